# SPDX-License-Identifier: GPL-2.0
"""Count what eventfd costs on our kernel, on the stock one of the same tree, and on that with the small series alone.

run boots the three kernels to the benchmark (tools/testing/selftests/filesystems/eventfd/bench), under
QEMU's instruction counting, where a figure is the same on each run and on each machine; prints the
table and whether the bounds in scripts/commands/bench.bounds hold; and leaves JSON and a plot in
build/KERNEL-ARCH/bench. Where KVM works it boots them once more for real times. T chooses cases.
asm shows the instructions of the hot paths of ours and stock side by side.
document puts the last run's table and plot into Documentation/userspace-api.

Exit status: 0 if all bounds hold, 1 if one does not, 2 for bad input.
"""
import argparse
import difflib
import itertools
import json
import pathlib
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypedDict

from core import processes
from core.command import Command
from core.options import Options, need_programs_here
from core.places import ROOT, SUITE, write_if_changed
from core.report import Broken, Progress, refuse, say
from core.tables import put_between, simple_table
from guest import kernels, qemu, rootfs, session, verdicts
from source import theirs, trees

BOUNDS = pathlib.Path(__file__).with_name('bench.bounds')
# The gcc that the bounds are exact for. What another one makes of a case may be an instruction or two more beside stock's;
# and beside another case it may be a larger part of the whole.
COMPILER = 12
SLACK = 0.005
SLACK_ACROSS = 0.05
KERNELS = ('stock', 'small', 'ours')
# Of these the code is shown side by side.
SHOWN = ('stock', 'ours')
# The hot paths, for asm.
HOT = ('eventfd_write', 'eventfd_read', 'eventfd_poll', 'eventfd_signal_mask')
# Counting slows the guest down, and the table comes at its end.
LIMITS = qemu.Limits(boot=300, silent=600, suite=900)
PAGE = ROOT / 'Documentation/userspace-api/eventfd-performance.rst'
FIRST, LAST = '.. From "make bench"', '.. End of what "make bench-doc" writes'

# (kernel, case, counter)
Key = tuple[str, str, str]
Figures = Mapping[Key, float]
# What a table says of a case: its name, the figure of each kernel, and the ratio to stock of those that are not.
Cells = list[str]
HEADS = [*KERNELS, *(f'{name}/stock' for name in KERNELS[1:])]


class Context(TypedDict):
    """What the benchmark says of the machine, and what is added to it here."""
    clock: str              # what it counted
    kernel: str
    machine: str
    eventfd: str            # one of KERNELS
    sizes: dict[str, int]   # of what was counted; see sizes()


class Result(TypedDict):
    """The benchmark's JSON."""
    context: Context
    benchmarks: list[dict[str, str | float]]    # a case each: its name, and its counters


class Built(NamedTuple):
    """What a measurement takes."""
    initrd: pathlib.Path
    images: dict[str, pathlib.Path]     # of each kernel
    parts: dict[str, pathlib.Path]      # its fs/eventfd.o, without KUnit cases
    contexts: dict[str, int]            # its sizeof(struct eventfd_ctx)


class Bound(NamedTuple):
    """LEFT SIGN FACTOR RIGHT; without the last it is for the figure itself, else for the ratio."""
    text: str
    left: Key
    sign: str
    factor: float
    right: Key | None


# --- what is measured ---

def program(options: Options, source: pathlib.Path, objects: pathlib.Path) -> pathlib.Path:
    """The benchmark, built beside the suite; returns the folder that the guest gets."""
    output = objects / 'kselftest' / SUITE
    progress = Progress('building the benchmark', options.terminal)
    processes.run(['make', '-C', source / 'tools/testing/selftests' / SUITE, f'OUTPUT={output}',
                   f'KHDR_INCLUDES=-isystem {objects}/usr/include', f'CROSS_COMPILE={options.arch.cross}',
                   *rootfs.link_flags(options), '-j2', 'bench'], options.work / 'bench.log', 'building the benchmark')
    folder = options.work / 'bench/guest'
    write_if_changed(folder / 'eventfd_bench', (output / 'eventfd_bench').read_bytes())
    (folder / 'eventfd_bench').chmod(0o755)
    progress.done('done')
    return folder


def build(options: Options) -> Built:
    """The kernels, and the benchmark."""
    objects = options.work / 'obj'
    images: dict[str, pathlib.Path] = {}
    parts: dict[str, pathlib.Path] = {}
    contexts: dict[str, int] = {}

    def keep(name: str, image: pathlib.Path, folder: pathlib.Path) -> None:
        images[name], parts[name] = image, options.work / f'bench/eventfd-{name}.o'
        parts[name].parent.mkdir(exist_ok=True)
        contexts[name] = alone(folder / 'obj/fs/eventfd.o', parts[name])

    # Ours comes last: small shares its objects.
    keep('stock', session.variant_image(options, 'stock'), options.work / 'stock')
    keep('small', session.variant_image(options, 'small'), options.work)
    source, version = trees.prepare(options)
    say(f'Linux {version}, {options.arch.name}: {source}')
    kernels.headers(options, source, objects)
    keep('ours', kernels.build(options, source, objects), options.work)
    initrd = rootfs.initramfs(options, objects, program(options, source, objects), init='bench',
                              target='bench/initramfs.cpio')
    return Built(initrd, images, parts, contexts)


def alone(part: pathlib.Path, target: pathlib.Path) -> int:
    """fs/eventfd.o once more, without the KUnit cases that may be in it; returns sizeof(struct eventfd_ctx)."""
    saved = (part.parent / '.eventfd.o.cmd').read_text()
    match = re.search(r'^(?:savedcmd|cmd)_fs/eventfd\.o := (.*?)(?: ; .*)?$', saved, re.M)
    if not match:
        raise Broken(f'{part.parent}/.eventfd.o.cmd does not say how it was built')
    words = shlex.split(match.group(1))
    source = part.parents[2] / 'tree/fs/eventfd.c'
    words = [word for word in words[:-1] if not word.startswith('-Wp,-MMD')] + ['-x', 'c', '-']
    text = f'#undef CONFIG_EVENTFD_KUNIT_TEST\n#include "{source}"\n'
    with tempfile.NamedTemporaryFile(suffix='.o') as scratch:
        # An array of that size says what the compiler knows.
        for output, more in ((target, ''), (scratch.name, 'char size_of_context[sizeof(struct eventfd_ctx)];\n')):
            words[words.index('-o') + 1] = str(output)
            subprocess.run(words, input=text + more, text=True, cwd=part.parent.parent, check=True,
                           env=processes.environment())
        listed = subprocess.run(['nm', '-S', scratch.name], capture_output=True, text=True, check=True).stdout
    size = re.search(r'^\S+ (\S+) \S size_of_context$', listed, re.M)
    assert size
    return int(size.group(1), 16)


def sizes(part: pathlib.Path, context: int) -> dict[str, int]:
    """How large the object is, and the context of an eventfd."""
    listed = subprocess.run(['size', part], capture_output=True, text=True, check=True).stdout
    text, data, bss = (int(word) for word in listed.splitlines()[1].split()[:3])
    return {'fs/eventfd.o, text': text, 'fs/eventfd.o, data and bss': data + bss, 'struct eventfd_ctx': context}


def run(options: Options, image: pathlib.Path, initrd: pathlib.Path, name: str, pattern: str, accel: str) -> Result:
    """Boot to the benchmark; returns its JSON."""
    overlay = session.overlay_for(options, options.work / 'obj',
                                  {'/etc/bench': (f'FILTER={shlex.quote(pattern)}\n', 0o644)})
    progress = Progress(f'measuring {name} ({accel})', options.terminal)
    outcome = qemu.boot(options, image, initrd, f'bench-{name}', overlay=overlay, accel=accel, cpus=1, limits=LIMITS)
    lines = [line for _, line in outcome.report]
    said = '; '.join(line for line in lines if line.startswith(('error:', 'eventfd_bench:')))
    if 'harness: status 2' in lines:
        refuse(said.removeprefix('error: eventfd_bench: '))
    wrong = [outcome.ended, *verdicts.complaints(outcome.console), said,
             '' if 'harness: status 0' in lines and 'harness: end' in lines else 'it did not come to its end']
    wrong = [text for text in wrong if text]
    if wrong:
        raise Broken(f'the benchmark on {name}: {wrong[0]}; the console is {outcome.console}')
    result: Result = json.loads('\n'.join(lines[lines.index('harness: status 0') + 1:lines.index('harness: end')]))
    clock = {'count': 'instructions', 'kvm': 'nanoseconds'}[accel]
    if result['context']['clock'] != clock:
        raise Broken(f'the benchmark on {name} counted {result["context"]["clock"]} and not {clock}')
    result['context']['eventfd'] = name
    progress.done(f'{len(result["benchmarks"])} cases')
    return result


def figures(results: Mapping[str, Result]) -> dict[Key, float]:
    """All numbers of each kernel's results."""
    found: dict[Key, float] = {}
    for name, result in results.items():
        for entry in result['benchmarks']:
            for counter, value in entry.items():
                if isinstance(value, (int, float)):
                    found[name, str(entry['name']), counter] = value
    return found


# --- what must hold ---

def side(text: str) -> Key:
    name, case, *counter = text.split(':')
    return name, case, counter[0] if counter else 'instructions'


def bounds(path: pathlib.Path) -> list[Bound]:
    found: list[Bound] = []
    which = rf'(?:{"|".join(KERNELS)}):[^\s:]+(?::\w+)?'
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.split('#')[0].strip()
        if not text:
            continue
        match = re.fullmatch(rf'({which})\s+(<=|==)\s+(\d+\.\d+)(?:\s+({which}))?', text)
        if not match:
            refuse(f'{path}, line {number} is no bound: write KERNEL:CASE <= FACTOR KERNEL:CASE')
        left, sign, factor, right = match.groups()
        found.append(Bound(re.sub(r'\s+', ' ', text), side(left), sign, float(factor), side(right) if right else None))
    return found


def instances(bound: Bound, found: Figures) -> Iterator[tuple[str, float | None]]:
    """Each case that a bound is for: (what it says, the ratio or value, or None where a figure is missing)."""
    name, case, counter = bound.left
    pattern = re.escape(case).replace(r'\*', '(.+)')
    for key in [key for key in found if key[0] == name and key[2] == counter]:
        match = re.fullmatch(pattern, key[1])
        if not match:
            continue
        star = match.group(1) if match.groups() else ''
        if bound.right is None:
            yield bound.text.replace('*', star), found[key]
        else:
            against = bound.right[0], bound.right[1].replace('*', star), bound.right[2]
            value = found.get(against)
            yield bound.text.replace('*', star), found[key] / value if value else None


def compiler(config: pathlib.Path) -> int:
    """The gcc that a kernel was configured for; 0 where it was none."""
    found = re.search(r'^CONFIG_GCC_VERSION=(\d+)$', config.read_text(), re.M)
    return int(found[1]) // 10000 if found else 0


def slack(bound: Bound, gcc: int) -> float:
    """What is added to what a ratio of instructions may be."""
    if gcc == COMPILER or not bound.right or bound.left[2] != 'instructions':
        return 0.0
    return SLACK if bound.left[1:] == bound.right[1:] else SLACK_ACROSS


def judge(found: Figures, chosen: str | None = None, path: pathlib.Path = BOUNDS,
          gcc: int = COMPILER) -> tuple[list[str], list[str]]:
    """Lines on every bound, and those of them that do not hold. Where only some cases were chosen, on those there are."""
    lines: list[str] = []
    broken: list[str] = []
    for bound in bounds(path):
        cases = list(instances(bound, found))
        if not cases or any(value is None for _, value in cases):
            if chosen is None:
                broken.append(f'{bound.text:<92}      ?  not measured: DOES NOT HOLD')
                lines.append(broken[-1])
        for text, value in cases:
            if value is None:
                continue
            # Counts are exact: so is the comparison, but for the last bits of a quotient.
            off = value - bound.factor - slack(bound, gcc)
            holds = abs(off) < 1e-9 if bound.sign == '==' else off < 1e-9
            lines.append(f'{text:<92} {value:6.3f}  {"holds" if holds else "DOES NOT HOLD"}')
            if not holds:
                broken.append(lines[-1])
    return lines, broken


# --- what is shown ---

def table(found: Figures, counter: str, form: str) -> list[Cells]:
    """A table of one counter, a line for each case, in the order in which they ran."""
    cases = list(dict.fromkeys(case for _, case, which in found if which == counter))
    rows: list[Cells] = []
    for case in cases:
        stock, *others = (found.get((name, case, counter)) for name in KERNELS)
        rows.append([case, *(form.format(value) if value is not None else '' for value in (stock, *others)),
                     *(f'{value / stock:.3f}' if stock and value is not None else '' for value in others)])
    return rows


def size_rows(results: Mapping[str, Result]) -> list[Cells]:
    stock, *others = (results[name]['context']['sizes'] for name in KERNELS)
    return [[what, *(str(sizes[what]) for sizes in (stock, *others)),
             *(f'{sizes[what] / stock[what]:.3f}' if stock[what] else '' for sizes in others)] for what in stock]


def show(title: str, rows: Sequence[Cells]) -> None:
    say()
    for first, *cells in ([title, *HEADS], *rows):
        say(f'{first:<36} ' + ' '.join(f'{cell:>11}' for cell in cells))


def tables(results: Mapping[str, Result], found: Figures) -> list[tuple[str, list[Cells]]]:
    """The titles and the rows of all that was found."""
    shown = [('instructions an operation', table(found, 'instructions', '{:.2f}')),
             ('nanoseconds an operation', table(found, 'nanoseconds', '{:.0f}')),
             ('context switches an operation', [row for row in table(found, 'context_switches', '{:.3f}')
                                                if any(cell.strip('0.') for cell in row[1:1 + len(KERNELS)])]),
             ('memory of an eventfd, bytes of slab', table(found, 'slab_bytes', '{:.1f}')),
             ('the same by MemAvailable', table(found, 'available_bytes', '{:.1f}')),
             ('size, bytes', size_rows(results))]
    return [(title, rows) for title, rows in shown if rows]


def own_times() -> list[tuple[str, str, str]]:
    """How long the main job took, step by step: the last time from nothing, and the last time again."""
    if not session.Steps.FILE.exists():
        return []
    times: dict[str, dict[str, float]] = json.loads(session.Steps.FILE.read_text())
    cold, warm = times.get('from nothing', {}), times.get('again', {})

    def cell(seconds: float | None) -> str:
        return '' if seconds is None else f'{seconds:.1f}'

    return [(step, cell(cold.get(step)), cell(warm.get(step))) for step in {**cold, **warm}]


GNUPLOT = '''
set terminal {terminal}
set output "{output}"
set multiplot title "Linux {release}: instructions an operation, counted by QEMU" noenhanced
set origin 0, 0
set size 0.62, 0.95
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set boxwidth 0.9
set ytics nomirror
set grid ytics
set yrange [0:*]
set xtics norotate noenhanced nomirror
set key below center horizontal
set title "one event, signalled and served"
plot "cycles.dat" using 2:xtic(1) title "pipe" lc rgb "#999999", \\
     "" using 3 title "eventfd: stock" lc rgb "#d95f02", \\
     "" using 4 title "eventfd: ours" lc rgb "#1b9e77", \\
     "" using 5 title "ours, EFD\\\\_AUTORESET and no read" lc rgb "#7570b3"
set origin 0.62, 0
set size 0.38, 0.95
set title "a post to a semaphore, by the number of blocked readers"
set style data linespoints
set logscale xy
set format y "%.0f"
set xtics norotate (1, 4, 16, 64, 256, 1024)
set yrange [1000:*]
set xrange [0.8:1300]
plot "readers.dat" using 1:2 title "stock" lc rgb "#d95f02" pt 7, \\
     "" using 1:3 title "ours" lc rgb "#1b9e77" pt 7
unset multiplot
'''
# What waits, the case of it, and whether an event is then read, without which a pipe would fill up.
CYCLES = (('poll', 'write_poll', True), ('select', 'write_select', True), ('epoll', 'write_epoll', True),
          ('epoll, edge', 'write_edge', True), ('edge, no read', 'write_edge', False), ('ppoll of 8', 'write_ppoll', True),
          ('io_uring', 'uring_multishot', True))


def plot(found: Figures, folder: pathlib.Path, release: str) -> bool:
    """bench.svg and bench.png: the cycles with and without a read, and what a post costs by the number of readers."""
    def figure(name: str, case: str) -> str:
        return str(found.get((name, case, 'instructions'), 'NaN'))

    rows = []
    for title, case, read in CYCLES:
        argument = f'/{title.rsplit(" ", 1)[1]}' if case == 'write_ppoll' else ''
        cycle = f'{case}_read' if read else case
        rows.append([f'"{title}"', figure('stock', f'{cycle}/pipe{argument}'),
                     figure('stock', f'{cycle}/eventfd{argument}'), figure('ours', f'{cycle}/eventfd{argument}'),
                     figure('ours', f'{case}/autoreset{argument}')])
    (folder / 'cycles.dat').write_text(''.join(f'{" ".join(row)}\n' for row in rows))
    readers = [case for name, case, counter in found if (name, counter) == ('ours', 'instructions')
               and case.startswith('readers/semaphore/')]
    (folder / 'readers.dat').write_text(''.join(
        f'{case.rsplit("/", 1)[1]} {figure("stock", case)} {figure("ours", case)}\n' for case in readers))
    if not readers or all('NaN' in row for row in rows):
        return False
    for terminal, output in (('svg size 1200,480 font "sans,12" background "white"', 'bench.svg'),
                             ('pngcairo size 1200,480 font "sans,9"', 'bench.png')):
        script = folder / 'bench.gnuplot'
        script.write_text(GNUPLOT.format(terminal=terminal, output=output, release=release))
        processes.run(['gnuplot', script.name], folder / 'plot.log', 'drawing the plot', cwd=folder)
    svg = folder / 'bench.svg'
    head, _, rest = svg.read_text().partition('\n')
    svg.write_text(f'{head}\n<!-- SPDX-License-Identifier: GPL-2.0 -->\n{rest}')
    return True


def count(options: Options, images: Mapping[str, pathlib.Path], initrd: pathlib.Path, pattern: str) -> dict[str, Result]:
    """The instructions that each case takes, on each kernel."""
    return {name: run(options, images[name], initrd, name, pattern, 'count') for name in KERNELS}


def bench(options: Options, brief: bool = False) -> tuple[int, list[str]]:
    """Measure, show, judge; returns how many bounds hold, and those that do not. In brief: shows these."""
    initrd, images, parts, contexts = build(options)
    pattern = options.pattern or ''
    results = count(options, images, initrd, pattern)
    for name in KERNELS:
        results[name]['context']['sizes'] = sizes(parts[name], contexts[name])
    found = figures(results)
    folder = options.work / 'bench'
    if qemu.accelerator(options) == 'kvm' and not brief:
        timed = {name: run(options, images[name], initrd, name, pattern, 'kvm') for name in KERNELS}
        found.update({key: value for key, value in figures(timed).items() if key[2] == 'nanoseconds'})
        (folder / 'times.json').write_text(json.dumps(timed, indent=1) + '\n')
    (folder / 'bench.json').write_text(json.dumps(results, indent=1) + '\n')
    gcc = compiler(options.work / 'obj/.config')
    lines, broken = judge(found, options.pattern, gcc=gcc)
    if gcc != COMPILER:
        say(f'the bounds are those of gcc {COMPILER}: with gcc {gcc} a ratio may be {SLACK} more, of different cases {SLACK_ACROSS}')
    if not brief:
        for title, rows in tables(results, found):
            show(title, rows)
        say(f'\n{"seconds of the harness":<36} {"from nothing":>12} {"again":>12}')
        for step, cold, warm in own_times():
            say(f'{step:<36} {cold:>12} {warm:>12}')
        drawn = plot(found, folder, results['ours']['context']['kernel'])
        say(f'\nin {folder}: bench.json{", bench.svg, bench.png" if drawn else ""}\n\nbounds')
    for line in broken if brief else lines:
        say(line)
    say(f'{len(lines) - len(broken)} bounds hold, {len(broken)} {"does" if len(broken) == 1 else "do"} not')
    return len(lines) - len(broken), broken


# --- the code ---

def functions(path: pathlib.Path) -> dict[str, list[str]]:
    """{function: its instructions} of an object, addresses left out; a part that was split off counts with its function."""
    listed = subprocess.run(['objdump', '-dr', '--no-show-raw-insn', '--no-addresses', path],
                            capture_output=True, text=True, check=True).stdout
    found: dict[str, list[str]] = {}
    for name, body in re.findall(r'^<([^>]+)>:\n((?:.+\n)*)', listed, re.M):
        lines: list[str] = []
        for line in body.splitlines():
            text = re.sub(r'\s+', ' ', line.split('#')[0]).strip()
            if re.match(r'R_X86_64_|R_386_', text):
                # Where a call goes to is with the relocation.
                lines[-1] += f'  {text.split()[1].split("-0x")[0]}'
            elif text and not re.match(r'(data16 )*(cs )?nop|xchg %ax,%ax', text):
                lines.append(text)
        found[name] = lines
    return found


def show_hot_paths(options: Options) -> None:
    """Those of both side by side."""
    parts = build(options).parts
    code: dict[str, dict[str, list[str]]] = {}
    for name in SHOWN:
        code[name] = functions(parts[name])
    width = 58
    for function in HOT:
        stock, ours = ([line for name, body in code[which].items() if name.split('.')[0] == function for line in body]
                       for which in SHOWN)
        say(f'\n== {function} ==')
        say(f'{f"stock: {len(stock)} instructions":<{width}}   ours: {len(ours)} instructions')
        stock_names, our_names = ([line.split()[0] for line in lines] for lines in (stock, ours))
        for _, first, last, start, end in difflib.SequenceMatcher(None, stock_names, our_names, autojunk=False).get_opcodes():
            for left, right in itertools.zip_longest(stock[first:last], ours[start:end], fillvalue=''):
                say(f'{left[:width]:<{width}} | {right}'.rstrip())
    say(f'\n{"all functions":<40} {"stock":>6} {"ours":>6}')
    for function in sorted({*code['stock'], *code['ours']}):
        counts = (str(len(code[name][function])) if function in code[name] else '' for name in SHOWN)
        say('{:<40} {:>6} {:>6}'.format(function, *counts))


# --- the documentation ---

def document(options: Options) -> None:
    """Put the last run's tables and plot where the documentation has them."""
    folder = options.work / 'bench'
    if not (folder / 'bench.svg').exists():
        refuse('there is nothing to document yet: "make bench" measures first')
    results: dict[str, Result] = json.loads((folder / 'bench.json').read_text())
    found = figures(results)
    lines = [f'{FIRST}, Linux {results["ours"]["context"]["kernel"]}, '
             f'{results["ours"]["context"]["machine"]}; "make bench-doc" writes this part', '']
    for title, rows in tables(results, found):
        lines += simple_table([title, *HEADS], rows)
    if own_times():
        lines += simple_table(('seconds of the harness', 'from nothing', 'again'), own_times())
    put_between(PAGE, FIRST, LAST, lines)
    write_if_changed(PAGE.with_suffix('.svg'), (folder / 'bench.svg').read_bytes())
    say(f'wrote {PAGE.relative_to(ROOT)} and the plot beside it')


def measure(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'make bench')
    theirs.need_ours(options, 'make bench')
    processes.lock()
    return 1 if bench(options)[1] else 0


def show_code(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'make bench')
    theirs.need_ours(options, 'make bench')
    processes.lock()
    show_hot_paths(options)
    return 0


def write_page(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'make bench')
    theirs.need_ours(options, 'make bench')
    processes.lock()
    document(options)
    return 0


COMMANDS = (
    Command('bench', 'what eventfd costs, counted beside stock; T=REGEX for cases', measure),
    Command('bench-asm', 'the instructions of the hot paths, here and on stock, side by side', show_code),
    Command('bench-doc', 'put what make bench found last into the documentation', write_page),
)
