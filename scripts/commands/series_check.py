# SPDX-License-Identifier: GPL-2.0
"""Hold the series against what the kernel asks of one: a line for each check, totals at the end.

Without KERNEL or KDIR it does so for each kernel that Debian has: 6.12 and 7.3.

mail:  git am on the tree as it came, checkpatch, get_maintainer, git send-email (a dry run), and
       whether the last patch leaves what "make run" builds, file by file;
build: after each patch the kernel is built, with CONFIG_EVENTFD and without, the files that the
       series touches with W=1 and sparse;
turns: before the first patch, and after each that changes the kernel, it is booted to the suite, which is told what
       the kernel has by then. A test that a patch turns, and is not declared for it, is an error, and so is one that is
       declared and does not turn. The table is kept in build/series;
elsewhere: the same before and after those patches of which the plain kernel shows nothing, or not all.

Exit status: 0 only if all is well.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from checks import static
from commands import compare
from core import processes
from core.command import Argument, Command
from core.options import Options
from core.places import ROOT, SUITE_FOLDER, need_disk, scratch_folder, write_if_changed
from core.report import Broken, Progress, refuse, say
from core.tables import put_between, simple_table
from core.totals import Totals
from guest import kernels, session, verdicts
from source import insertion, messages, patch_series, trees, turns
from source.git import Git

KERNELS = ('6.12', '7.3')
EVENTFD = 'fs/eventfd.c'
# Of the kernel's own files, in one patch.
MOST_LINES = 150
PAGE = ROOT / 'Documentation/dev-tools/eventfd.rst'
FIRST, LAST = '.. From "make series-check"', '.. End of what "series-doc" writes'


class Applied:
    """The series, applied by git am to a tree as it came."""

    def __init__(self, options: Options, totals: Totals):
        self.options = options
        self.series, version = patch_series.make(options)
        self.name = f'Linux {version}'
        self.patches = self.series.patches[1:]
        self.descriptions = messages.patches()
        self.tree = patch_series.FOLDER / f'{patch_series.label(options)}.tree'
        self.git = Git(self.tree)
        self.checkout()
        status, out, err = self.git.try_('am', '--whitespace=error-all', *self.patches, **patch_series.identity(
            *patch_series.sender(), '@0 +0000'))
        said = [line for line in (out + err).splitlines() if not line.startswith('Applying: ')]
        totals.check(f'{self.name}: git am, {len(self.patches)} patches', '\n'.join(said) or ('' if not status else out))
        if status:
            raise Broken(f'{self.name}: the series does not apply, and there is nothing more to check')
        self.commits = self.git('rev-list', '--reverse', f'{self.series.base}..HEAD').splitlines()
        self.changed = [self.git('diff', '--name-only', '--no-renames', f'{commit}^', commit).splitlines()
                        for commit in self.commits]

    def checkout(self) -> None:
        """The tree as it came, as a clone that has no objects of its own; kept from one call to the next."""
        progress = Progress(f'{self.name}: checking out the tree as it came', self.options.terminal)
        if not (self.tree / '.git/checked-out').exists():
            shutil.rmtree(self.tree, ignore_errors=True)
            need_disk(self.tree.parent, 1.8)
            Git(self.tree.parent)('clone', '-q', '--shared', '--no-checkout', self.series.repository.directory, self.tree)
            self.git('config', 'core.autocrlf', 'false')
        # A git am that did not come to its end.
        shutil.rmtree(self.tree / '.git/rebase-apply', ignore_errors=True)
        self.git('checkout', '-q', '-f', '--detach', self.series.base)
        self.git('clean', '-q', '-ffdx')
        (self.tree / '.git/checked-out').touch()
        progress.done('done')

    def title(self, index: int) -> str:
        return f'{self.name}, patch {index + 1}'

    def text(self, index: int, name: str) -> bytes | None:
        """A file as a patch leaves it, or as it came before the first (-1); None where it is not there."""
        commit = self.commits[index] if index >= 0 else self.series.base
        done = subprocess.run(['git', '-C', self.tree, 'show', f'{commit}:{name}'],
                              capture_output=True, env=self.git.env, check=False)
        return None if done.returncode else done.stdout


def differences(ours: pathlib.Path, theirs: pathlib.Path, ignored: Collection[str]) -> Iterator[str]:
    """The files in which two trees differ, by their bytes, their kind, or whether they can be executed."""
    def entries(top: pathlib.Path) -> Iterator[str]:
        for folder, folders, files in os.walk(top):
            here = pathlib.Path(folder).relative_to(top)
            folders[:] = [name for name in folders if str(here / name) not in ignored]
            for name in [*files, *(name for name in folders if os.path.islink(f'{folder}/{name}'))]:
                if str(here / name) not in ignored:
                    yield str(here / name)

    def alike(name: str) -> bool:
        first, second = os.lstat(ours / name), os.lstat(theirs / name)
        if (first.st_ino, first.st_dev) == (second.st_ino, second.st_dev):
            return True
        if stat.S_IFMT(first.st_mode) != stat.S_IFMT(second.st_mode):
            return False
        if stat.S_ISLNK(first.st_mode):
            return os.readlink(ours / name) == os.readlink(theirs / name)
        return (first.st_size == second.st_size and not (first.st_mode ^ second.st_mode) & stat.S_IXUSR
                and (ours / name).read_bytes() == (theirs / name).read_bytes())

    mine, other = set(entries(ours)), set(entries(theirs))
    for name in sorted(mine ^ other):
        yield f'{name}: only in {ours if name in mine else theirs}'
    for name in sorted(mine & other):
        if not alike(name):
            yield f'{name}: differs'


def equality(applied: Applied, totals: Totals) -> None:
    source, _ = trees.prepare(applied.options)
    totals.check(f'{applied.name}: the last patch leaves the tree that "make run" builds',
                 '\n'.join(differences(applied.tree, source, {'.git'})))
    committed = applied.git('rev-parse', 'HEAD^{tree}')
    made = applied.series.repository('rev-parse', f'{applied.series.tip}^{{tree}}')
    totals.check(f'{applied.name}: what git am committed is what was formatted',
                 '' if committed == made else f'{committed} is not {made}')


def is_cplusplus(name: str) -> bool:
    return name.startswith(SUITE_FOLDER) and name.endswith(('.cpp', '.h'))


def checkpatch(applied: Applied, totals: Totals) -> None:
    script = applied.tree / 'scripts/checkpatch.pl'
    for index, path in enumerate(applied.patches):
        changed = applied.changed[index]
        ignore = [f'--ignore={static.CHECKPATCH_IGNORE[name]}' for name in changed if name in static.CHECKPATCH_IGNORE]
        # There is no history here to look a commit up in.
        said = processes.output_of([script, f'--root={applied.tree}', '--strict', '--no-signoff', '--terse', '--showfile',
                                    '--ignore=UNKNOWN_COMMIT_ID', *ignore, path], cwd=applied.tree, env=static.NO_GIT)
        # It says nothing of a patch that is right, and ends with a total otherwise. It knows C, and takes
        # C++ for that, which is clang-format's in "make check-static".
        remarks = [line for line in said.splitlines()
                   if not is_cplusplus(line.split(':')[0]) and not line.startswith('total: ')]
        but = ', but for what is C++' if any(map(is_cplusplus, changed)) else ''
        totals.check(f'{applied.title(index)}: checkpatch --strict{but}', '\n'.join(remarks))


def small(applied: Applied, totals: Totals) -> None:
    """No patch changes more of the kernel's own files than a reviewer reads in one go."""
    for index, patch in enumerate(applied.descriptions):
        if patch.optional:
            continue
        counted = applied.git('show', '--numstat', '--format=', applied.commits[index]).splitlines()
        new = set(messages.files_of(patch))
        lines = sum(int(added) + int(removed) for added, removed, name in (line.split('\t') for line in counted)
                    if name not in new and not name.startswith(('Documentation/', SUITE_FOLDER)))
        totals.check(f'{applied.title(index)}: {lines} lines of the kernel\'s files',
                     f'{lines} changed lines are more than {MOST_LINES}' if lines > MOST_LINES else '')


def recipients(applied: Applied) -> Iterator[tuple[list[str], list[str]]]:
    """Whom get_maintainer names for each patch: maintainers and reviewers, and lists."""
    for path in applied.patches:
        said = subprocess.run(['scripts/get_maintainer.pl', '--no-git', '--no-git-fallback', path], cwd=applied.tree,
                              capture_output=True, text=True, check=False)
        lines = said.stdout.splitlines()
        people = [line.split('> (')[0] + '>' for line in lines if '> (' in line]
        lists = [line.split(' (')[0] for line in lines if '> (' not in line]
        yield people, lists


def mail(applied: Applied, totals: Totals) -> None:
    """Who gets the series, and whether it can be sent."""
    people: dict[str, None] = {}    # in the order in which they are named
    lists: dict[str, None] = {}
    forgotten: list[str] = []
    for path, changed, (who, where) in zip(applied.patches, applied.changed, recipients(applied)):
        people.update(dict.fromkeys(who))
        lists.update(dict.fromkeys(where))
        # MAINTAINERS itself is nobody's.
        if changed == ['MAINTAINERS']:
            continue
        if not who or not [address for address in where if 'linux-kernel@' not in address]:
            forgotten.append(f'{path.name}: nobody but {" ".join(who + where)}')
    totals.check(f'{applied.name}: get_maintainer, {len(people)} people and {len(lists)} lists', '\n'.join(forgotten))
    for address in (*people, *lists):
        say(f'        {address}')
    name, email = patch_series.sender()
    status, out, err = applied.git.try_(
        'send-email', '--dry-run', '--confirm=never', '--suppress-cc=all', f'--from={name} <{email}>',
        *(f'--to={address}' for address in people), *(f'--cc={address}' for address in lists),
        *applied.series.patches, **patch_series.identity(name, email, '@0 +0000'))
    ready = len(re.findall(r'^Dry-OK', out, re.M))
    subjects = len(re.findall(r'^Subject: \[PATCH ', out, re.M))
    wrong = status or ready != len(applied.series.patches) or subjects != ready
    totals.check(f'{applied.name}: git send-email --dry-run, {ready} mails', (err or out) if wrong else '')


def put(applied: Applied, index: int, source: pathlib.Path) -> None:
    """Make the tree that is built what a patch leaves; files that are right already keep their time stamps."""
    for name in sorted({name for names in applied.changed for name in names if not name.startswith(trees.NOT_BUILT)}):
        data = applied.text(index, name)
        if data is None:
            (source / name).unlink(missing_ok=True)
        else:
            write_if_changed(source / name, data)


def configure(applied: Applied, index: int, source: pathlib.Path, objects: pathlib.Path, options: Options,
              extra: Iterable[pathlib.Path] = ()) -> None:
    """Anew where a patch has changed what there is to configure."""
    if index <= 0 or any('Kconfig' in name for name in applied.changed[index]):
        (objects / '.config.from').unlink(missing_ok=True)
    # An option that a later patch brings is asked for in vain.
    absent = [option for patch in applied.descriptions[index + 1:] if patch.lines
              for _, option in insertion.options_of(patch.lines)]
    kernels.configure(options, source, objects, extra, absent)


def compile_all(source: pathlib.Path, objects: pathlib.Path, log: pathlib.Path, what: str, options: Options) -> str:
    """What make has to say that is no news of progress; Broken if it fails."""
    said: list[str] = []
    done = 0
    progress = Progress(f'building {what}', options.terminal)

    def on_line(line: str) -> None:
        nonlocal done
        if line.startswith('  CC '):
            done += 1
            progress.update(f'{done} objects')
        if re.search(r'\bwarning:|\berror:', line):
            said.append(line.rstrip())

    processes.run([*kernels.make(options, source, objects), *options.variables, kernels.jobs(), what], log, f'building {what}',
                  on_line=on_line)
    progress.done(f'{done} objects')
    return '\n'.join(said)


def seed(objects: pathlib.Path, target: pathlib.Path) -> None:
    """Objects of the same tree to begin with; make finds out which are of use."""
    if not target.exists() and objects.exists():
        with scratch_folder(target.parent) as scratch:
            processes.run(['cp', '-a', '--reflink=auto', objects, f'{scratch}/objects'], target.parent / 'seed.log',
                          f'copying {objects}')
            os.replace(f'{scratch}/objects', target)


def builds(applied: Applied, totals: Totals) -> None:
    """After each patch: build, with eventfd and without."""
    options = applied.options
    objects = session.build(options).objects
    source, _ = trees.prepare(options)
    with_it, without = options.work / 'obj-series', options.work / 'obj-series-without-eventfd'
    seed(objects, with_it)
    seed(with_it, without)
    touched = sorted({name for names in applied.changed for name in names if name.endswith('.c')
                      and not name.startswith(trees.NOT_BUILT) and '/tests/' not in name})
    before = trees.pristine(options)
    kernels_files = [name for names in applied.changed for name in names if not name.startswith(trees.NOT_BUILT)]
    try:
        for index in range(len(applied.commits)):
            title = applied.title(index)
            if index and not set(applied.changed[index]) & set(kernels_files):
                say(f'    {title}: nothing that a kernel is built of, the one before is its kernel')
                continue
            put(applied, index, source)
            configure(applied, index, source, with_it, options)
            for name in touched:
                os.utime(source / name)
            said = static.noisy_build(options, source, with_it, 'C=2', *(name[:-1] + 'o' for name in touched))
            # 7.3 looks whether sparse is one that it can use, and leaves it out if not.
            tools = 'W=1, for sparse is too old here' if re.search(r'but sparse is not .*up to date', said) \
                else 'W=1 and sparse'
            now = {name: data for name in touched if (data := applied.text(index, name)) is not None}
            # What is ours as a whole has to be silent as a whole; in the kernel's own files, what we changed.
            new = now.get(EVENTFD) != (before / EVENTFD).read_bytes()
            whole = [line for line in said.splitlines() if new and re.search(r'\bfs/(?:tests/)?eventfd\w*\.c', line)]
            theirs = {name: data for name, data in now.items() if name != EVENTFD}
            totals.check(f'{title}: {tools}, {" ".join(touched)}',
                         '\n'.join([*whole, *static.about_changes(said, before, theirs)]))
            image = options.arch.image.rsplit('/', 1)[1]
            totals.check(f'{title}: builds', compile_all(source, with_it, options.work / 'series.log', image, options))
            configure(applied, index, source, without, options, [ROOT / 'scripts/config/without-eventfd.config'])
            totals.check(f'{title}: builds without CONFIG_EVENTFD',
                         compile_all(source, without, options.work / 'series-without.log', 'vmlinux', options))
    finally:
        trees.prepare(options)


# (program, name of the test)
Key = tuple[str, str]
Results = dict[Key, verdicts.Result]


def is_one_of(name: str, declared: Collection[str]) -> str:
    """Which of them a test is, GROUP.NAME or GROUP.NAME/PARAMETER, or nothing."""
    parts = name.split('/')
    bare = next((part for part in parts if '.' in part), name)
    return next((one for one in (bare, f'{bare}/{parts[-1]}') if one in declared), '')


def turned(before: Results, now: Results) -> list[Key]:
    """The tests that pass now and did not before."""
    return [key for key, result in now.items()
            if result.outcome == 'passed' and (key not in before or before[key].outcome != 'passed')]


def misplaced(changes: Collection[str], declared: Mapping[str, Collection[str]], before: Results, now: Results) -> Iterator[str]:
    """What turns with a patch and is not declared for its changes, and what is declared, by programs, and does not turn."""
    seen = set()
    for program, name in turned(before, now):
        one = is_one_of(name, declared.get(program, ()))
        seen.add((program, one))
        # What is not there is skipped, and says why; what is there and wrong fails.
        was = before.get((program, name))
        lacks = was.text if was and was.outcome == 'skipped' else ''
        if not one and not any(lacks.startswith(f'needs {change}: ') for change in changes):
            yield f'{program}: {name} passes from here on, and is not declared for this patch'
    for program, names in declared.items():
        for one in names:
            outcomes = {result.outcome for (there, name), result in now.items() if there == program and is_one_of(name, [one])}
            if (program, one) not in seen and outcomes != {'skipped'}:
                yield (f'{program}: {one} is declared for this patch and does not turn: '
                       f'{", ".join(sorted(outcomes)) or "did not run"}')


class Boots:
    """Boots the kernel as each patch leaves it to the suite, in the objects of one machine and configuration."""

    def __init__(self, applied: Applied, options: Options):
        self.applied, self.options = applied, options
        self.built = session.build(options)
        self.source, _ = trees.prepare(options)
        self.objects = options.work / 'obj-series'
        seed(self.built.objects, self.objects)
        self.programs, self.pattern = session.chosen(options, self.built.installed)
        # A change may show on other machines only.
        self.shown = session.declared(self.built.installed)

    def has(self, index: int) -> list[str]:
        return [change for patch in self.applied.descriptions[:index + 1] for change in patch.turns]

    def declared(self, changes: Collection[str]) -> dict[str, list[str]]:
        """The tests of these changes that can show them here, by programs."""
        return {program: [name for name in names if any(
            is_one_of(test, [name]) for there, test in self.shown if there == program)]
            for program, names in turns.turned_by(changes).items() if program in self.programs}

    def boot(self, index: int) -> tuple[verdicts.Verdict, Results]:
        """After this patch, or before the first one (-1)."""
        put(self.applied, index, self.source)
        configure(self.applied, index, self.source, self.objects, self.options)
        compile_all(self.source, self.objects, self.options.work / 'series.log',
                    self.options.arch.image.rsplit('/', 1)[1], self.options)
        in_kernel = not self.pattern and 'CONFIG_EVENTFD_KUNIT_TEST=y' in (self.objects / '.config').read_text()
        kunit = 'eventfd' if in_kernel else None
        guests = session.shared_out(self.options, self.programs, self.pattern, name='series', has=self.has(index), kunit=kunit)
        _, verdict = session.run_guests(self.options, self.objects / self.options.arch.image, self.built.initrd,
                                        self.built.objects, guests, kunit=kunit, limits=session.limits(self.options))
        return verdict, {(program.name, test.name): test for program in verdict.programs if program.name in self.programs
                         for test in verdicts.results(program)}


def turning(applied: Applied, totals: Totals) -> None:
    """Boot to the suite before the first patch, and after each that changes the kernel: which tests does it turn?"""
    boots = Boots(applied, applied.options)
    before: Results = {}
    table: list[dict[str, str | int]] = []
    try:
        for index in range(-1, len(applied.commits)):
            patch = applied.descriptions[index] if index >= 0 else None
            if patch and not [name for name in applied.changed[index] if not name.startswith(trees.NOT_BUILT)]:
                continue
            title = applied.title(index) if patch else f'{applied.name} as it came'
            verdict, now = boots.boot(index)
            good, bad = (sum(test.outcome == outcome for test in now.values()) for outcome in ('passed', 'XFAIL'))
            totals.check(f'{title}: the suite finds the kernel as declared, {good} pass and {bad} fail as they have to',
                         '\n'.join(verdict.reasons))
            if patch:
                found = turned(before, now)
                failed = sum(before[key].outcome == 'XFAIL' for key in found)
                totals.check(f'{title}: turns {failed} tests that failed, and {len(found) - failed} that were skipped',
                             '\n'.join(misplaced(patch.turns, boots.declared(patch.turns), before, now)))
                table.append({'patch': patch.path.stem, 'subject': patch.subject, 'failed': failed,
                              'skipped': len(found) - failed, 'good': good, 'bad': bad})
            before = now
    finally:
        trees.prepare(applied.options)
    write_if_changed(patch_series.FOLDER / f'turns-{applied.options.label}.json', json.dumps(table, indent=1) + '\n')


def elsewhere(applied: Applied, totals: Totals) -> None:
    """The same before and after those patches alone that the plain kernel shows nothing of, or not all, on one that does."""
    for index, patch in enumerate(applied.descriptions):
        if not patch.shown_by:
            continue
        options = applied.options.asking(**patch.shown_by)
        words = ' '.join(f'{name}={value}' for name, value in patch.shown_by.items())
        boots = Boots(applied, options)
        try:
            (first, before), (second, now) = boots.boot(index - 1), boots.boot(index)
        finally:
            trees.prepare(options)
        races = [reason for reason in first.reasons if compare.RACE.match(reason)]
        wrong = [f'before: {reason}' for reason in first.reasons if reason not in races] + second.reasons
        if options.kcsan and not races:
            wrong.append('KCSAN found no data race in eventfd before this patch')
        found = turned(before, now)
        totals.check(f'{applied.title(index)}, {words}: turns {len(found)} tests' + (
            f', and ends {len(races)} data races' if options.kcsan else ''),
            '\n'.join([*wrong, *misplaced(patch.turns, boots.declared(patch.turns), before, now)]))


PARTS: Mapping[str, tuple[Callable[[Applied, Totals], None], ...]] = {
    'mail': (equality, checkpatch, small, mail), 'build': (builds,), 'turns': (turning,),
    'elsewhere': (elsewhere,)}


def check_series(given: Options, arguments: argparse.Namespace) -> int:
    several = not {'KDIR', 'KERNEL'} & set(given.asked)
    processes.lock()
    totals = Totals()
    applied: dict[str, Applied] = {}
    # What is done in a minute comes first, for all kernels.
    for part in (name for name in PARTS if name in (arguments.parts or PARTS)):
        for version in KERNELS if several else [given.kernel]:
            options = given.asking(KERNEL=version) if several else given
            with totals.part(f'{options.kdir or options.kernel}, {part}'):
                applied[version] = applied.get(version) or Applied(options, totals)
                for step in PARTS[part]:
                    step(applied[version], totals)
    return totals.status()


def written(options: Options, _arguments: argparse.Namespace) -> int:
    """Put the table of what each patch turns into the documentation."""
    path = patch_series.FOLDER / f'turns-{options.label}.json'
    if not path.exists():
        refuse(f'what the patches turn has not been seen for {options.label}: "scripts/eventfd series-check turns" first')
    table = {row['patch']: row for row in json.loads(path.read_text())}
    cells = []
    for number, patch in enumerate(messages.patches(), 1):
        row = table.get(patch.path.stem)
        cells.append([str(number), patch.subject, *(str(row[what] or '') if row else ''
                                                    for what in ('failed', 'skipped', 'good', 'bad'))])
    head = ['patch', '', 'failed', 'skipped', 'pass', 'fail']
    put_between(PAGE, FIRST, LAST, [f'{FIRST}, {options.label}; "scripts/eventfd series-doc" writes this part', '',
                                    *simple_table(head, cells, left=2)])
    say(f'wrote {PAGE.relative_to(ROOT)}')
    return 0


COMMANDS = (Command('series-doc', 'put the table of what each patch turns into the documentation', written),
            Command('series-check', 'apply, build, boot and check the series, patch by patch',
                    check_series, [Argument('parts', 'of the check', '*', tuple(PARTS))]),)
