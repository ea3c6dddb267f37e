// SPDX-License-Identifier: GPL-2.0
#include "support/report.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "support/abilities.h"
#include "support/changes.h"
#include "support/probes.h"

namespace suite {
namespace {

/* Of the JSON report: scripts/checks/conformance.README says what it has. */
constexpr int kSchema = 1;

constexpr size_t kTextColumn = 20;

constexpr Status kEveryStatus[] = {Status::kDiffers, Status::kMended,  Status::kKnown,
                                   Status::kAsStock, Status::kUnknown, Status::kConformant};

/* A line of a log without the time at its start. */
std::string WithoutTime(const std::string& line) {
    size_t at = line.find_first_not_of(' ');
    size_t end = line.find("  ", at == std::string::npos ? 0 : at);
    return end == std::string::npos ? line : line.substr(end + 2);
}

/* What follows the word, if the line starts with it behind blanks. */
bool After(const std::string& line, const char* word, std::string* rest) {
    size_t at = line.find_first_not_of(' ');
    if (at == std::string::npos || line.compare(at, strlen(word), word)) return false;
    *rest = line.substr(at + strlen(word));
    return true;
}

std::string Trimmed(const std::string& text) {
    size_t first = text.find_first_not_of(" \t");
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool StartsAFailure(const std::string& line) {
    size_t colon = line.find(".cpp:");
    if (colon == std::string::npos) colon = line.find(".h:");
    return colon != std::string::npos && line.find(' ') > colon;
}

} /* namespace */

const char* StatusName(Status status) {
    switch (status) {
        case Status::kDiffers:
            return "differs";
        case Status::kKnown:
            return "known";
        case Status::kMended:
            return "mended";
        case Status::kAsStock:
            return "as stock";
        case Status::kUnknown:
            return "unknown";
        case Status::kConformant:
            return "conformant";
    }
    return "?";
}

namespace {

/* Of "lines(), of a call that a macro has made", the call: fcntl(efd, F_GETFL). */
std::string WithoutMacros(std::string text) {
    constexpr char kType[] = " (of type suite::";
    constexpr char kCall[] = "::suite::internal::Call(\"";

    for (size_t at; (at = text.find(kType)) != std::string::npos;) {
        size_t end = text.find(')', at);
        text.erase(at, end == std::string::npos ? end : end + 1 - at);
    }
    for (size_t at; (at = text.find(kCall)) != std::string::npos;) {
        size_t name = at + strlen(kCall);
        size_t arguments = text.find("\", \"", name);
        size_t end = text.find("\", [](", name);
        if (arguments == std::string::npos || end == std::string::npos) break;
        std::string call =
            text.substr(name, arguments - name) + "(" +
            (arguments + 4 <= end ? text.substr(arguments + 4, end - arguments - 4) : "") + ")";
        int depth = 1; /* up to the bracket that closes Call( */
        size_t last = name;
        for (; last < text.size() && depth; last++)
            depth += text[last] == '(' ? 1 : text[last] == ')' ? -1 : 0;
        text.replace(at, last - at, call);
    }
    return text;
}

FailedTest FirstFailure(const std::string& test, const std::string& how,
                        const std::string& log) {
    FailedTest failed = {test, how, "", ""};
    std::vector<std::string> lines; /* of the first failure */
    std::istringstream in(log);
    bool inside = false;

    for (std::string line; std::getline(in, line);) {
        line = WithoutTime(line);
        if (StartsAFailure(line)) {
            if (inside) break;
            inside = true;
            line.erase(0, line.find(": ") + 2);
        }
        if (inside) lines.push_back(line);
    }
    /* "Failure" or "Failed" is said where there is more to come. */
    std::erase_if(lines, [](const std::string& line) {
        return line.empty() || line == "Failed" || line == "Failure";
    });
    if (lines.empty()) {
        /* It hung, or died. Who hangs where is what comes behind the first line. */
        std::istringstream again(log);
        std::string first, tasks, rest;
        for (std::string line; std::getline(again, line);) {
            line = Trimmed(WithoutTime(line));
            if (first.empty()) first = line;
            if (After(line, "task ", &rest)) tasks += (tasks.empty() ? "" : "; ") + line;
        }
        failed.seen = tasks.empty() ? first : tasks;
        if (!tasks.empty()) failed.expected = "it comes to its end";
        return failed;
    }
    std::string rest;
    if (After(lines[0], "Expected equality of these values:", &rest)) {
        /* The value that was seen is the first one; either may have a line that says it. */
        std::vector<std::string> values;
        for (size_t i = 1; i < lines.size(); i++) {
            if (After(lines[i], "Which is: ", &rest) && !values.empty())
                values.back() += " = " + rest;
            else if (lines[i].compare(0, 2, "  ") == 0 && values.size() < 2)
                values.push_back(Trimmed(lines[i]));
        }
        if (values.size() == 2) {
            failed.seen = values[0];
            failed.expected = values[1];
            return failed;
        }
    }
    for (const std::string& line : lines) {
        if (failed.expected.empty() && After(line, "Expected: ", &rest)) failed.expected = rest;
        if (failed.seen.empty() && After(line, "Actual: ", &rest)) failed.seen = rest;
    }
    if (After(lines[0], "a call that had to succeed: ", &rest)) {
        failed.expected = "succeeds";
        failed.seen = rest;
    }
    if (failed.seen.empty()) failed.seen = Trimmed(lines[0]);
    return failed;
}

} /* namespace */

FailedTest TakenApart(const std::string& test, const std::string& how, const std::string& log) {
    FailedTest failed = FirstFailure(test, how, log);
    failed.expected = WithoutMacros(failed.expected);
    failed.seen = WithoutMacros(failed.seen);
    return failed;
}

int RunReport::Count(Status status) const {
    return static_cast<int>(std::count_if(
        rows.begin(), rows.end(), [status](const auto& row) { return row.status == status; }));
}

int RunReport::ExitStatus() const {
    if (Count(Status::kDiffers) || Count(Status::kMended)) return 1;
    return ended_early.empty() ? 0 : 2;
}

void PrintWrapped(const std::string& text, size_t column, size_t indent) {
    constexpr size_t kWidth = 100;
    std::istringstream in(text);
    const char* separator = "";

    for (std::string word; in >> word;) {
        if (*separator && column + 1 + word.size() > kWidth) {
            printf("\n%*s", static_cast<int>(indent), "");
            column = indent;
            separator = "";
        }
        printf("%s%s", separator, word.c_str());
        column += strlen(separator) + word.size();
        separator = " ";
    }
    printf("\n");
}

namespace {

/* "yes", "no", or what it does instead. */
std::string AnswerOf(Ability ability) {
    if (Has(ability)) return "yes";
    return WhatIsSaid(ability) == "ignored" ? "ignored" : "no";
}

} /* namespace */

void PrintSystem(const RunReport& run) {
    utsname name = {};
    std::string abilities, reasons;

    uname(&name);
    printf("eventfd on %s %s, %s, %s\n", name.sysname, name.release, name.machine,
           KernelKnowsAutoreset() ? "which knows EFD_AUTORESET"
                                  : "which does not know EFD_AUTORESET");
    printf("judged as %s\n", run.judged_as.c_str());
    for (const AbilityInfo& info : kAbilities) {
        abilities += std::string(abilities.empty() ? "" : ", ") + info.name + " " +
                     AnswerOf(info.ability);
        if (Has(info.ability) || AnswerOf(info.ability) == WhatIsSaid(info.ability)) continue;
        reasons += std::string(reasons.empty() ? "" : "; ") + info.name + ": " +
                   WhatIsSaid(info.ability);
    }
    printf("this system: ");
    PrintWrapped(abilities, 13, 13);
    if (!reasons.empty()) {
        printf("which says:  ");
        PrintWrapped(reasons, 13, 13);
    }
    printf("a task is asleep where ");
    PrintWrapped(HowSleepIsProved(), 23, 13);
    printf("\n");
}

namespace {

void PrintRow(const RowReport& row) {
    printf("%-11s %-7s ", StatusName(row.status), row.number.c_str());
    PrintWrapped(row.text, kTextColumn, kTextColumn);
}

void PrintNote(const std::string& note) {
    printf("%*s", static_cast<int>(kTextColumn + 4), "");
    PrintWrapped(note, kTextColumn + 4, kTextColumn + 6);
}

void PrintInFull(const RowReport& row) {
    constexpr size_t kMostFailures = 3;
    PrintRow(row);
    if (row.status == Status::kMended)
        PrintNote("it does not differ: take it off the list of known differences");
    if (!row.known.empty()) PrintNote("known: " + row.known);
    for (size_t i = 0; i < row.failures.size() && i < kMostFailures; i++) {
        const FailedTest& failed = row.failures[i];
        PrintNote(failed.test + ": " + failed.how);
        if (!failed.expected.empty()) PrintNote("  expected: " + failed.expected);
        if (!failed.seen.empty()) PrintNote("  seen: " + failed.seen);
    }
    if (row.failures.size() > kMostFailures)
        PrintNote("and " + std::to_string(row.failures.size() - kMostFailures) +
                  " more of its tests fail");
    for (const std::string& reason : row.reasons) PrintNote(reason);
}

/* "1a.1-16, 1b.2, 1b.4-7": places that follow one another are a range. */
std::string Ranges(const std::vector<const RowReport*>& rows) {
    struct Range {
        std::string section;
        int first, last;
    };
    std::vector<Range> ranges;
    std::string text;

    for (const RowReport* row : rows) {
        size_t dot = row->number.find('.');
        int place = dot == std::string::npos ? 0 : atoi(row->number.c_str() + dot + 1);
        if (!ranges.empty() && ranges.back().section == row->section() &&
            ranges.back().last + 1 == place)
            ranges.back().last = place;
        else
            ranges.push_back({row->section(), place, place});
    }
    for (const Range& range : ranges) {
        text += (text.empty() ? "" : ", ") + range.section;
        if (range.first) text += "." + std::to_string(range.first);
        if (range.last > range.first) text += "-" + std::to_string(range.last);
    }
    return text;
}

/* Rows that have the same to be said of them, in the order of the first of each. */
void PrintByReason(const std::vector<const RowReport*>& rows) {
    std::vector<std::pair<std::string, std::vector<const RowReport*>>> groups;

    for (const RowReport* row : rows) {
        std::string reasons;
        for (const std::string& reason : row->reasons)
            reasons += (reasons.empty() ? "" : "; ") + reason;
        if (!row->known.empty()) reasons += " (listed as known: " + row->known + ")";
        auto group = std::find_if(groups.begin(), groups.end(),
                                  [&](const auto& one) { return one.first == reasons; });
        if (group == groups.end())
            groups.push_back({reasons, {row}});
        else
            group->second.push_back(row);
    }
    for (const auto& [reasons, of_it] : groups) {
        printf("%-11s ", StatusName(of_it[0]->status));
        PrintWrapped(Ranges(of_it), 12, kTextColumn);
        PrintNote(reasons);
    }
}

} /* namespace */

void PrintPage(const RunReport& run, bool every_row) {
    PrintSystem(run);
    for (Status status : kEveryStatus) {
        std::vector<const RowReport*> rows;
        for (const RowReport& row : run.rows)
            if (row.status == status) rows.push_back(&row);
        if (rows.empty()) continue;
        if (every_row || status == Status::kDiffers || status == Status::kMended ||
            status == Status::kKnown) {
            for (const RowReport* row : rows) PrintInFull(*row);
        } else if (status == Status::kConformant) {
            printf("%-11s ", StatusName(status));
            PrintWrapped(Ranges(rows), 12, kTextColumn);
        } else {
            PrintByReason(rows);
        }
        printf("\n");
    }
    if (!run.ended_early.empty()) printf("not the whole of it: %s\n", run.ended_early.c_str());
    printf("tests: %d passed, %d failed as stock does, %d failed, %d skipped; %ld s\n",
           run.passed, run.as_stock, run.failed, run.skipped, run.seconds);
    if (int mended = run.Count(Status::kMended), known = run.Count(Status::kKnown);
        mended || known)
        printf("listed: %d differ as the list says, %d do not\n", known, mended);
    printf(
        "rows: %d conformant, %d as stock, %d differ, %d unknown; %d more have no test that "
        "user space can run\n",
        run.Count(Status::kConformant) + run.Count(Status::kMended),
        run.Count(Status::kAsStock), run.Count(Status::kDiffers) + run.Count(Status::kKnown),
        run.Count(Status::kUnknown), run.untested);
}

namespace {

/* In quotation marks. What is no ASCII is left out: a log may have anything. */
std::string Quoted(const std::string& text) {
    std::string quoted = "\"";
    for (char c : text) {
        unsigned char byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            char escape[8];
            snprintf(escape, sizeof(escape), "\\u%04x", byte);
            quoted += escape;
        } else {
            quoted += c;
        }
    }
    return quoted + "\"";
}

/* An object's members or an array's elements, of which each but the first has a comma before
 * it. */
class Members {
  public:
    Members(const char* open, const char* close) : close_(close) { printf("%s", open); }
    Members(const Members&) = delete;
    Members& operator=(const Members&) = delete;
    ~Members() { printf("%s", close_); }

    void Next(const char* line = "") {
        printf("%s%s", any_ ? ", " : "", line);
        any_ = true;
    }
    void Name(const char* name) {
        Next();
        printf("\"%s\": ", name);
    }
    void Text(const char* name, const std::string& text) {
        Name(name);
        printf("%s", Quoted(text).c_str());
    }
    void Number(const char* name, long number) {
        Name(name);
        printf("%ld", number);
    }

  private:
    const char* close_;
    bool any_ = false;
};

void PrintFailures(const std::vector<FailedTest>& failures) {
    Members list("[", "]");
    for (const FailedTest& failed : failures) {
        list.Next();
        Members members("{", "}");
        members.Text("test", failed.test);
        members.Text("how", failed.how);
        members.Text("expected", failed.expected);
        members.Text("seen", failed.seen);
    }
}

void PrintRowAsJson(const RowReport& row) {
    Members members("{", "}");
    members.Text("row", row.number);
    members.Text("section", row.section());
    members.Text("text", row.text);
    members.Text("status", StatusName(row.status));
    members.Name("tests");
    {
        Members tests("{", "}");
        tests.Number("run", static_cast<long>(row.tests - row.skipped));
        tests.Number("failed", static_cast<long>(row.failed));
        tests.Number("skipped", static_cast<long>(row.skipped));
    }
    members.Name("reasons");
    {
        Members reasons("[", "]");
        for (const std::string& reason : row.reasons) {
            reasons.Next();
            printf("%s", Quoted(reason).c_str());
        }
    }
    members.Name("failures");
    PrintFailures(row.failures);
    members.Text("known", row.known);
}

} /* namespace */

void PrintJson(const RunReport& run) {
    utsname name = {};
    uname(&name);

    Members top("{", "}\n");
    top.Number("schema", kSchema);
    top.Name("system");
    {
        Members system("{", "}");
        system.Text("sysname", name.sysname);
        system.Text("release", name.release);
        system.Text("version", name.version);
        system.Text("machine", name.machine);
        system.Text("judged_as", run.judged_as);
    }
    top.Name("abilities");
    {
        Members abilities("[", "]");
        for (const AbilityInfo& info : kAbilities) {
            abilities.Next("\n  ");
            Members ability("{", "}");
            ability.Text("name", info.name);
            ability.Text("answer", AnswerOf(info.ability));
            ability.Text("reason", WhatIsSaid(info.ability));
        }
    }
    top.Next("\n");
    printf("\"asleep\": %s", Quoted(HowSleepIsProved()).c_str());
    top.Next("\n");
    printf("\"rows\": ");
    {
        Members rows("[", "]");
        for (const RowReport& row : run.rows) {
            rows.Next("\n  ");
            PrintRowAsJson(row);
        }
    }
    top.Next("\n");
    printf("\"summary\": ");
    {
        Members summary("{", "}");
        for (Status status : kEveryStatus) {
            std::string key = StatusName(status);
            std::replace(key.begin(), key.end(), ' ', '_');
            summary.Number(key.c_str(), run.Count(status));
        }
        summary.Number("untested", run.untested);
        summary.Name("tests");
        {
            Members tests("{", "}");
            tests.Number("passed", run.passed);
            tests.Number("as_stock", run.as_stock);
            tests.Number("failed", run.failed);
            tests.Number("skipped", run.skipped);
        }
        summary.Number("seconds", run.seconds);
        summary.Text("ended_early", run.ended_early);
        summary.Number("exit_status", run.ExitStatus());
    }
}

} /* namespace suite */
