import { base, dir, file, link, opaque } from './image-archive';
import { type Quirk, type QuirkImage, shell, SHELL } from './quirk';

const as = (User: string, ...more: QuirkImage['layers']): QuirkImage => ({
  layers: [base(), ...more],
  config: { ...SHELL, User },
});
const passwd = (text: string) => [dir('etc'), file('etc/passwd', text)];
const ROWS = 'app:x:1000:1000::/first:/bin/sh\napp:x:2000:2000::/second:/bin/sh\n';

export const USER_IMAGES: Readonly<Record<string, QuirkImage>> = {
  app: as('app'),
  'app-app': as('app:app'),
  'app-number': as('app:2000'),
  'uid-known': as('1000'),
  'uid-unknown': as('4242'),
  'uid-group': as('4242:extra'),
  'group-alone': as(':2000'),
  'root-by-name': as('root'),
  'no-user': as('mallory'),
  'no-group': as('app:nogroup'),
  'too-large': as('4294967295'),
  'user-gone': as('app', [dir('etc'), opaque('etc'), file('etc/passwd', 'root:x:0:0::/root:/bin/sh\n')]),
  'no-passwd': as('app', [dir('etc'), opaque('etc'), file('etc/hello')]),
  'no-passwd-uid': as('1000:1000', [dir('etc'), opaque('etc'), file('etc/hello')]),
  twice: as('app', passwd(ROWS)),
  ragged: as('app', passwd(`\n#comment\n:::\nx\nroot\n  \n${'y'.repeat(3_000)}\n  app:x:77:1000::/home/app:/bin/sh  `)),
  linked: as('app', [link('etc/passwd', '/etc/real'), file('etc/real', 'app:x:88:1000::/home/app:/bin/sh\n')]),
  'linked-out': as('daemon', [link('etc/passwd', '../../../../../../etc/passwd')]),
  'passwd-folder': as('1000', [dir('etc/passwd')]),
  huge: as('app', passwd('x'.repeat(1024 * 1024 + 1))),
  home: { layers: [base()], config: { ...SHELL, User: 'app', Env: ['PATH=/bin', 'HOME=/of/image'] } },
  'no-home': as('app', passwd('app:x:1000:1000:::/bin/sh\n')),
};

const ID = shell('grep -E "^(Uid|Gid|Groups):" /proc/self/status | tr -s "\\t " " "');
const ids = (uid: number, gid: number, ...groups: number[]): Pick<Quirk, 'prints' | 'request'> => ({
  request: ID,
  prints: `Uid: ${uid} ${uid} ${uid} ${uid}\nGid: ${gid} ${gid} ${gid} ${gid}\nGroups: ${[gid, ...groups].join(' ')} \n`,
});
const HOME = shell('echo $HOME');
const refused = (message: RegExp): Pick<Quirk, 'refused' | 'request'> => ({
  request: ID,
  refused: ['image_faulty', message],
});

export const USER_QUIRKS: readonly Quirk[] = [
  { name: 'USER app has its groups', image: 'app', rule: 'docker', ...ids(1000, 1000, 2000, 3000) },
  { name: 'USER app:app has that group alone', image: 'app-app', rule: 'docker', ...ids(1000, 1000) },
  { name: 'USER app:2000', image: 'app-number', rule: 'docker', ...ids(1000, 2000) },
  { name: 'USER 1000 is app', image: 'uid-known', rule: 'docker', ...ids(1000, 1000, 2000, 3000) },
  { name: 'USER 4242 has no row', image: 'uid-unknown', rule: 'docker', ...ids(4242, 0) },
  { name: 'USER 4242:extra', image: 'uid-group', rule: 'docker', ...ids(4242, 2000) },
  { name: 'USER :2000', image: 'group-alone', rule: 'docker', ...ids(0, 2000) },
  { name: 'USER root', image: 'root-by-name', rule: 'docker', ...ids(0, 0) },
  { name: 'USER mallory is missing', image: 'no-user', rule: 'docker', ...refused(/USER "mallory".*\/etc\/passwd/) },
  {
    name: 'USER app:nogroup is missing',
    image: 'no-group',
    rule: 'docker',
    ...refused(/USER "app:nogroup".*\/etc\/group/),
  },
  { name: 'USER 4294967295', image: 'too-large', rule: 'docker', ...refused(/from 0 to 2147483647/) },
  { name: 'a user that a later layer drops', image: 'user-gone', rule: 'docker', ...refused(/USER "app"/) },
  { name: 'no /etc/passwd', image: 'no-passwd', rule: 'docker', ...refused(/USER "app"/) },
  { name: 'numbers need no /etc/passwd', image: 'no-passwd-uid', rule: 'docker', ...ids(1000, 1000) },
  { name: 'the first of two rows', image: 'twice', rule: 'docker', request: HOME, prints: '/first\n' },
  { name: 'a ragged /etc/passwd', image: 'ragged', rule: 'docker', ...ids(77, 1000, 2000, 3000) },
  { name: '/etc/passwd is a link', image: 'linked', rule: 'docker', ...ids(88, 1000, 2000, 3000) },
  { name: '/etc/passwd is a link out of the image', image: 'linked-out', rule: 'docker', ...refused(/USER "daemon"/) },
  { name: '/etc/passwd is a folder', image: 'passwd-folder', rule: 'ours', why: 'a number needs no file; runc gives up', ...ids(1000, 0) }, // prettier-ignore
  {
    name: '/etc/passwd of more than 1 MiB',
    image: 'huge',
    rule: 'ours',
    why: 'a bound: docker reads any',
    ...refused(/1 MiB/),
  },
  { name: "HOME is the user's", image: 'app', rule: 'docker', request: HOME, prints: '/home/app\n' },
  { name: 'HOME without a row', image: 'uid-unknown', rule: 'docker', request: HOME, prints: '/\n' },
  { name: "HOME of the image's variables", image: 'home', rule: 'docker', request: HOME, prints: '/of/image\n' },
  {
    name: 'HOME of the caller',
    image: 'app',
    rule: 'docker',
    request: { ...HOME, env: { HOME: '/mine' } },
    prints: '/mine\n',
  },
  { name: 'HOME of a row without one', image: 'no-home', rule: 'ours', why: 'an empty HOME is of no use', request: HOME, prints: '/\n' }, // prettier-ignore
  {
    name: 'a user other than root writes to /dev/stdout', image: 'app', rule: 'docker',
    request: shell('echo one >/dev/stdout && echo two >/proc/self/fd/1 && stat -Lc %u /dev/stdout'),
    prints: 'one\ntwo\n1000\n',
  }, // prettier-ignore
];
