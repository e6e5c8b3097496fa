import { readFileSync } from 'node:fs';
import { base, busybox, capable, dir, file, link, opaque, script, whiteout } from './image-archive';
import { type Quirk, type QuirkImage, SHELL } from './quirk';

/** An ELF header of another machine (EM_AARCH64, or EM_X86_64 where that is the other one). */
const foreign = (): Buffer => {
  const elf = Buffer.from(readFileSync('/bin/busybox').subarray(0, 4096));
  elf.writeUInt16LE(process.arch === 'x64' ? 183 : 62, 18);
  return elf;
};
const PROGRAMS = [
  ...[file('noshebang', 'echo plain\n', 0o755), file('crlf', '#!/bin/sh\r\necho crlf\r\n', 0o755)],
  ...[file('nointerp', '#!/usr/bin/python3\nprint(1)\n', 0o755), file('empty', '', 0o755)],
  ...[file('foreign', foreign(), 0o755), dir('folder'), file('notexec', '#!/bin/sh\necho x\n', 0o644)],
  ...[file('owneronly', '#!/bin/sh\necho x\n', 0o700), file('badinterp', '#!/notexec\n', 0o755)],
  ...[
    link('loop', 'loop'),
    link('dangling', '/no/where'),
    dir('to'),
    link('to/echo', '/bin/busybox'),
    script('plain', 'echo plain $0'),
  ],
  ...[dir('first'), file('first/tool', 'not executable', 0o644), dir('first/echo'), dir('second')],
  ...[script('second/tool', 'echo second'), dir('third'), script('third/tool', 'echo third')],
];

/** Programs with CAP_NET_BIND_SERVICE, which sandboxes have, and with CAP_NET_RAW, which they have not. */
const CAPABLE = [dir('bind'), capable('bind/echo', 10), dir('raw'), capable('raw/echo', 13)];

export const PROGRAM_IMAGES: Readonly<Record<string, QuirkImage>> = {
  programs: { layers: [base(), PROGRAMS], config: SHELL },
  'programs-app': { layers: [base(), PROGRAMS], config: { ...SHELL, User: 'app' } },
  capabilities: { layers: [base(), [...CAPABLE, dir('lock'), capable('lock/echo', 14)]], config: SHELL },
  'capabilities-app': {
    layers: [base(), CAPABLE],
    config: { ...SHELL, User: 'app' },
  },
  lexical: {
    layers: [
      base(),
      [
        ...[dir('rel'), dir('rel/v1'), script('rel/serve', 'echo right'), dir('opt')],
        ...[link('opt/current', '/rel/v1'), script('opt/serve', 'echo WRONG')],
      ],
    ],
    config: { ...SHELL, Cmd: ['../serve'], WorkingDir: '/opt/current' },
  },
  opaque: {
    layers: [
      base(),
      [dir('usr'), dir('usr/bin'), script('usr/bin/tool', 'echo OLD'), script('bin/tool', 'echo NEW')],
      [dir('usr/bin'), opaque('usr/bin'), script('usr/bin/other', 'echo other')],
    ],
    config: { ...SHELL, Env: ['PATH=/usr/bin:/bin'], Cmd: ['tool'] },
  },
  whiteout: {
    layers: [
      base(),
      [dir('a'), script('a/tool', 'echo LOW'), dir('b'), script('b/tool', 'echo b'), link('c', 'a')],
      [whiteout('a/tool'), whiteout('c'), dir('c'), script('c/tool', 'echo c')],
    ],
    config: { ...SHELL, Env: ['PATH=/a:/b:/bin'], Cmd: ['tool'] },
  },
  entrypoint: { layers: [base()], config: { ...SHELL, Entrypoint: ['/bin/echo', 'from'], Cmd: ['image', 'cmd'] } },
  nothing: { layers: [base()], config: { Env: ['PATH=/bin'] } },
  merged: { layers: [[dir('usr'), ...base({ bin: 'usr/bin' }), link('bin', 'usr/bin')]], config: SHELL },
  bare: { layers: [[busybox('busybox')]], config: { Cmd: ['/busybox', 'echo', 'bare'] } },
};

const run = (...command: string[]): Pick<Quirk, 'request'> => ({ request: { command } });
const faulty = (message: RegExp): Pick<Quirk, 'refused'> => ({ refused: ['image_faulty', message] });
const missing: Pick<Quirk, 'refused'> = { refused: ['command_not_found', /^command: ".*" is not /] };
const programs = { image: 'programs', rule: 'docker' } as const;

export const PROGRAM_QUIRKS: readonly Quirk[] = [
  { ...programs, name: 'a script without #!', ...run('/noshebang'), ...faulty(/command: "\/noshebang".*#!/) },
  { ...programs, name: 'a script with CR LF', ...run('/crlf'), ...faulty(/interpreter/) },
  { ...programs, name: 'an interpreter that is not there', ...run('/nointerp'), ...faulty(/interpreter/) },
  { ...programs, name: 'an interpreter that cannot be run', ...run('/badinterp'), ...faulty(/interpreter/) },
  { ...programs, name: 'an empty program', ...run('/empty'), ...faulty(/architecture/) },
  { ...programs, name: "another machine's program", ...run('/foreign'), ...faulty(/architecture/) },
  { ...programs, name: 'a folder as command', ...run('/folder'), ...missing },
  { ...programs, name: 'a program without the right to execute', ...run('/notexec'), ...missing },
  { ...programs, name: 'a program that is not there', ...run('/nothing'), ...missing },
  { ...programs, name: 'a program that no folder of PATH has', ...run('nothing'), ...missing },
  { ...programs, name: 'a program that is a link to itself', ...run('/loop'), ...missing },
  { ...programs, name: 'a program that is a dangling link', ...run('/dangling'), ...missing },
  { ...programs, name: 'a program that is a link', ...run('/to/echo', 'linked'), prints: 'linked\n' },
  { ...programs, name: 'a script of its own path', ...run('/plain'), prints: 'plain /plain\n' },
  { ...programs, name: 'a path below a file', ...run('/plain/x'), ...missing },
  {
    ...programs,
    name: 'arguments, empty ones too',
    ...run('/bin/sh', '-c', 'for a; do echo "[$a]"; done', 'sh', '', 'x y'),
    prints: '[]\n[x y]\n',
  },
  {
    ...programs,
    name: 'PATH skips a file that is not executable',
    request: { command: ['tool'], env: { PATH: '/first:/none:/second:/third' } },
    prints: 'second\n',
  },
  {
    ...programs,
    name: 'PATH skips a folder of that name',
    request: { command: ['echo', 'found'], env: { PATH: '/first:/bin' } },
    prints: 'found\n',
  },
  {
    ...programs,
    name: 'PATH with a file that is not executable only',
    request: { command: ['tool'], env: { PATH: '/first' } },
    ...missing,
  },
  { ...programs, name: 'a relative folder of PATH', rule: 'ours', why: "the kernel's and execvp's reading; Go's runc refuses it, crun does not", request: { command: ['tool'], env: { PATH: 'second' }, workingDir: '/' }, prints: 'second\n' }, // prettier-ignore
  { name: 'an owner-only program, for root', image: 'programs', rule: 'docker', ...run('/owneronly'), prints: 'x\n' },
  {
    name: 'an owner-only program, for another user',
    image: 'programs-app',
    rule: 'CRI',
    why: "docker's too; podman's --cap-add gives a user that is not root DAC_OVERRIDE",
    ...run('/owneronly'),
    ...missing,
  },
  {
    name: 'a file capability that sandboxes have',
    image: 'capabilities',
    rule: 'docker',
    ...run('/bind/echo', 'ran'),
    prints: 'ran\n',
  },
  {
    name: 'a file capability that no sandbox has',
    image: 'capabilities',
    rule: 'docker',
    ...run('/raw/echo', 'ran'),
    ...faulty(/capabilities/),
  },
  {
    name: 'CAP_IPC_LOCK on a file',
    image: 'capabilities',
    rule: 'docker',
    ...run('/lock/echo', 'ran'),
    ...faulty(/capabilities/),
  },
  {
    name: 'a file capability, not root',
    image: 'capabilities-app',
    rule: 'docker',
    ...run('/bind/echo', 'ran'),
    prints: 'ran\n',
  },
  {
    name: 'a file capability that no sandbox has, not root',
    image: 'capabilities-app',
    rule: 'docker',
    ...run('/raw/echo', 'ran'),
    ...faulty(/capabilities/),
  },
  { name: '.. above a WORKDIR that is a link', image: 'lexical', rule: 'docker', prints: 'right\n' },
  { name: 'an opaque folder hides what was below', image: 'opaque', rule: 'docker', prints: 'NEW\n' },
  { name: 'an opaque folder hides a path', image: 'opaque', rule: 'docker', ...run('/usr/bin/tool'), ...missing },
  { name: 'an opaque folder shows its own', image: 'opaque', rule: 'docker', ...run('other'), prints: 'other\n' },
  { name: 'a whiteout hides a program', image: 'whiteout', rule: 'docker', prints: 'b\n' },
  { name: 'a folder in place of a link', image: 'whiteout', rule: 'docker', ...run('/c/tool'), prints: 'c\n' },
  { name: 'entrypoint and cmd', image: 'entrypoint', rule: 'docker', prints: 'from image cmd\n' },
  { name: 'args replace the cmd', image: 'entrypoint', rule: 'docker', request: { args: ['me'] }, prints: 'from me\n' },
  { name: 'a command drops both', image: 'entrypoint', rule: 'CRI', why: 'docker run --entrypoint drops the cmd too', ...run('/bin/echo', 'mine'), prints: 'mine\n' }, // prettier-ignore
  {
    name: 'neither entrypoint nor cmd',
    image: 'nothing',
    rule: 'docker',
    refused: ['invalid_argument', /^command: is required/],
  },
  {
    name: '/bin is a link',
    image: 'merged',
    rule: 'docker',
    ...run('/bin/sh', '-c', 'readlink /bin'),
    prints: 'usr/bin\n',
  },
  { name: 'an image of one program', image: 'bare', rule: 'docker', prints: 'bare\n' },
];
