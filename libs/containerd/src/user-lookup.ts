import { ApiError } from '@fsb/api/errors';
import { type RootFiles } from './root-files';

export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  /** from /etc/passwd, where the user is in it */
  readonly home?: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

const MAX_ID = 2 ** 31 - 1;

/**
 * The user of an image's config, as in Docker: empty, `uid`, `name`, each with `:gid` or `:group`.
 * @throws ApiError invalid_argument when a name is not in the image's own files
 */
export async function resolveUser(user: string, files: RootFiles): Promise<ProcessUser> {
  const [account = '', group] = user.split(':');
  const passwd = parsePasswd((await files.readFile('/etc/passwd')) ?? '');
  const groups = parseGroup((await files.readFile('/etc/group')) ?? '');
  const entry = passwd.find(({ name, uid }) => name === (account || '0') || String(uid) === (account || '0'));
  const gid = group ? gidOf(group, groups) : (entry?.gid ?? 0);
  const additional = groups.filter(({ members }) => entry && members.includes(entry.name)).map(({ gid: id }) => id);
  return {
    uid: entry?.uid ?? numeric(account || '0', 'user'),
    gid,
    additionalGids: [...new Set(additional)].filter((id) => id !== gid),
    ...(entry?.home.startsWith('/') ? { home: entry.home } : {}),
  };
}

function gidOf(group: string, groups: readonly { name: string; gid: number }[]): number {
  return groups.find(({ name }) => name === group)?.gid ?? numeric(group, 'group');
}

function numeric(text: string, what: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= MAX_ID) return value;
  throw new ApiError(
    'invalid_argument',
    `image: its ${what} "${text}" is neither a number nor in the image's /etc files`,
  );
}

function parsePasswd(text: string): PasswdEntry[] {
  return rows(text).flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    isId(uid) && isId(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home }] : [],
  );
}

function parseGroup(text: string): { name: string; gid: number; members: string[] }[] {
  return rows(text).flatMap(([name = '', , gid = '', members = '']) =>
    isId(gid) ? [{ name, gid: Number(gid), members: members.split(',').filter(Boolean) }] : [],
  );
}

function rows(text: string): string[][] {
  return text.split('\n').map((line) => line.trim().split(':'));
}

function isId(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) <= MAX_ID;
}
