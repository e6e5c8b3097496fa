import { base, dir, file, link, script } from './image-archive';
import { type Quirk, type QuirkImage, shell, SHELL } from './quirk';

const TREE = [
  ...[dir('real'), dir('real/sub'), script('real/start.sh', 'echo started in $(pwd)'), link('linked', '/real')],
  ...[file('afile'), dir('closed', 0o700), link('dangling', 'to/be/made'), link('toproc', '/proc/self/fd')],
];
const at = (WorkingDir: string, User = ''): QuirkImage => ({
  layers: [base(), TREE],
  config: { ...SHELL, WorkingDir, User },
});
const links = (...entries: QuirkImage['layers'][number]): QuirkImage => ({ layers: [base(), entries], config: SHELL });

export const FOLDER_IMAGES: Readonly<Record<string, QuirkImage>> = {
  'wd-root': at('/'),
  'wd-missing': at('/new/deep/folder'),
  'wd-missing-app': at('/new/other', 'app'),
  'wd-file': at('/afile'),
  'wd-below-file': at('/afile/x'),
  'wd-link': at('/linked'),
  'wd-below-link': at('/linked/sub'),
  'wd-dangling': at('/dangling'),
  'wd-closed': at('/closed', 'app'),
  'wd-slash': at('/real/'),
  'wd-dots': at('/real/../real/sub'),
  'wd-relative': at('real/sub'),
  'wd-descriptor': at('/proc/self/fd/5'),
  volume: {
    layers: [base(), [dir('data2', 0o750, 1000, 1000), file('data2/seed', 'seed\n')]],
    config: { ...SHELL, Volumes: { '/data': {}, '/data2': {}, '/var/lib/x y': {}, '/deep/er/still': {} } },
  },
  'volume-file': { layers: [base(), [file('data', 'x')]], config: { ...SHELL, Volumes: { '/data': {} } } },
  run: {
    layers: [base(), [dir('run'), dir('run/postgresql', 0o2775, 1000, 1000), script('run/tool', 'echo tool'), dir('var'), link('var/run', '/run')]], // prettier-ignore
    config: { ...SHELL, User: 'app' },
  },
  'run-link': links(dir('var'), dir('var/run'), link('run', 'var/run')),
  'run-file': links(file('run', 'a file\n')),
  'files-stub': links(link('etc/resolv.conf', '../run/systemd/resolve/stub-resolv.conf')),
  'files-tmp': links(link('etc/hosts', '/tmp/hosts')),
  'files-nowhere': links(link('etc/hosts', '/no/where/hosts'), link('etc/hostname', 'nope')),
  'files-chain': links(link('etc/hosts', 'one'), link('etc/one', '../two'), link('two', '/srv/three')),
  'files-proc': links(link('etc/resolv.conf', '/proc/net/pnp')),
  'files-sys': links(link('etc/hostname', '/sys/kernel/uevent_seqnum')),
  'files-dev': links(link('etc/hosts', '/dev/null')),
  'files-self': links(link('etc/hosts', '/proc/self/exe')),
  'files-loop': links(link('etc/hosts', 'hosts')),
  'files-folder': links(dir('etc/hosts')),
  'files-no-etc': { layers: [base({ etc: false })], config: SHELL },
  'files-etc-link': {
    layers: [base({ etc: false }), [dir('usr'), dir('usr/etc'), link('etc', 'usr/etc')]],
    config: SHELL,
  },
  environment: {
    layers: [base()],
    config: { Env: ['PATH=/bin', 'NOVALUE', 'EMPTY=', 'a.b=c', 'EQ=a=b=c', 'MULTI=line1\nline2', 'TWICE=1', 'TWICE=2', 'UNI=héllo'], Cmd: ['/bin/sh'] }, // prettier-ignore
  },
};

const PWD = shell('pwd -P');
const LOOK = shell('ls -A /etc/hosts /etc/hostname /etc/resolv.conf; grep -c localhost /etc/hosts; cat /etc/hostname | tr -d "\\n" | wc -c | grep -vx 0 >/dev/null && echo named'); // prettier-ignore
const SHOWN = '/etc/hostname\n/etc/hosts\n/etc/resolv.conf\n2\nnamed\n';
const faulty = (message: RegExp): Pick<Quirk, 'refused'> => ({ refused: ['image_faulty', message] });
const ended = (
  name: string,
  image: string,
  message: RegExp,
  why = 'runc up to 1.3 mounts there, where it can',
): Quirk => ({
  ...{ name, image, rule: 'ours', why, request: LOOK },
  ...faulty(message),
});
const shown = (name: string, image: string): Quirk => ({
  ...{ name, image, rule: 'ours', why: 'as runc up to 1.3; the text is ours', request: LOOK, prints: SHOWN },
});

export const FOLDER_QUIRKS: readonly Quirk[] = [
  {
    name: 'WORKDIR is made',
    image: 'wd-missing',
    rule: 'docker',
    request: shell('pwd -P; stat -c "%a %u" .'),
    prints: '/new/deep/folder\n755 0\n',
  },
  {
    name: "WORKDIR is made as root's",
    image: 'wd-missing-app',
    rule: 'ours',
    why: "docker's; podman gives the folder to the user",
    request: shell('pwd -P; stat -c "%a %u" .'),
    prints: '/new/other\n755 0\n',
  },
  {
    name: 'WORKDIR is a file',
    image: 'wd-file',
    rule: 'docker',
    request: PWD,
    ...faulty(/WORKDIR \/afile is not a folder/),
  },
  { name: 'WORKDIR below a file', image: 'wd-below-file', rule: 'docker', request: PWD, ...faulty(/WORKDIR/) },
  { name: 'WORKDIR is a link', image: 'wd-link', rule: 'docker', request: PWD, prints: '/real\n' },
  { name: 'WORKDIR below a link', image: 'wd-below-link', rule: 'docker', request: PWD, prints: '/real/sub\n' },
  { name: 'WORKDIR is a dangling link', image: 'wd-dangling', rule: 'ours', why: "docker's, whose daemon makes its target; podman gives up", request: PWD, prints: '/to/be/made\n' }, // prettier-ignore
  { name: 'WORKDIR that its user may not enter', image: 'wd-closed', rule: 'ours', why: "runc's: entered as root; crun's user may not", request: shell('echo entered'), prints: 'entered\n' }, // prettier-ignore
  { name: 'WORKDIR with a slash at its end', image: 'wd-slash', rule: 'docker', request: PWD, prints: '/real\n' },
  { name: 'WORKDIR with ..', image: 'wd-dots', rule: 'docker', request: PWD, prints: '/real/sub\n' },
  { name: 'WORKDIR that is relative', image: 'wd-relative', rule: 'ours', why: 'relative to the root, as its builders mean it', request: PWD, prints: '/real/sub\n' }, // prettier-ignore
  { name: 'WORKDIR that is a descriptor', image: 'wd-descriptor', rule: 'docker', request: PWD, ...faulty(/WORKDIR/) },
  {
    name: 'a program of the WORKDIR',
    image: 'wd-link',
    rule: 'docker',
    request: { command: ['./start.sh'] },
    prints: 'started in /real\n',
  },
  { name: 'a folder of the request is made', image: 'wd-root', rule: 'ours', why: 'as the image\'s; podman refuses', request: { ...PWD, workingDir: '/made/up' }, prints: '/made/up\n' }, // prettier-ignore
  {
    name: 'a folder of the request that is a file',
    image: 'wd-root',
    rule: 'docker',
    request: { ...PWD, workingDir: '/afile' },
    refused: ['invalid_argument', /^workingDir: \/afile is not a folder/],
  },
  { name: 'folders of VOLUME', image: 'volume', rule: 'ours', why: "docker's: root's where the image has none (podman gives them to the user)", request: shell('stat -c "%a %u %g %n" /data /data2 "/var/lib/x y" /deep/er/still; cat /data2/seed; echo 1 >/data/file && echo written'), prints: '755 0 0 /data\n750 1000 1000 /data2\n755 0 0 /var/lib/x y\n755 0 0 /deep/er/still\nseed\nwritten\n' }, // prettier-ignore
  { name: 'a VOLUME that is a file', image: 'volume-file', rule: 'docker', request: PWD, ...faulty(/VOLUME/) },
  { name: 'what the image has below /run', image: 'run', rule: 'docker', request: shell('ls /run; stat -c "%a %u" /var/run/postgresql; touch /run/postgresql/lock && echo written'), prints: 'postgresql\ntool\n2775 1000\nwritten\n' }, // prettier-ignore
  { name: 'a program below /run', image: 'run', rule: 'docker', request: { command: ['/run/tool'] }, prints: 'tool\n' },
  {
    name: '/run is a link',
    image: 'run-link',
    rule: 'docker',
    request: shell('readlink /run; touch /run/x && echo written'),
    prints: 'var/run\nwritten\n',
  },
  { name: '/run is a file', image: 'run-file', rule: 'ours', why: 'nothing of ours is mounted there; podman wants a folder', request: shell('cat /run'), prints: 'a file\n' }, // prettier-ignore
  shown('a dangling link at /etc/resolv.conf', 'files-stub'),
  shown('a link at /etc/hosts', 'files-tmp'),
  shown('dangling links, absolute and relative', 'files-nowhere'),
  shown('a chain of links', 'files-chain'),
  shown('no /etc', 'files-no-etc'),
  shown('/etc is a link', 'files-etc-link'),
  ended('a link into /proc', 'files-proc', /its \/etc\/resolv.conf .*own files/),
  ended('a link into /sys', 'files-sys', /its \/etc\/hostname /),
  ended('a link into /dev', 'files-dev', /its \/etc\/hosts /),
  ended('a link to /proc/self/exe', 'files-self', /its \/etc\/hosts /),
  ended('a link to itself', 'files-loop', /its \/etc\/hosts .*itself/),
  ended('a folder in place of a file', 'files-folder', /its \/etc\/hosts .*folder/),
  { name: "an image's variables", image: 'environment', rule: 'docker', request: shell('tr "\\0" "\\n" </proc/1/environ | grep -E "^(EMPTY|a\\.b|EQ|MULTI|line2|TWICE|UNI)" | sort'), prints: 'EMPTY=\nEQ=a=b=c\nMULTI=line1\nTWICE=2\nUNI=héllo\na.b=c\nline2\n' }, // prettier-ignore
];
