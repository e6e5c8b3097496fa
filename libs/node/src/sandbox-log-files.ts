import { join } from 'node:path';

const KEPT = '.log.kept';

/** The files of a sandbox's log. Others end in `.new` while being written, or in a number (rotated, Go predecessor). */
export const logFiles = {
  log: (folder: string, id: string): string => join(folder, `${id}.log`),
  /** index of streams: which bytes are stderr's */
  streams: (folder: string, id: string): string => join(folder, `${id}.log.streams`),
  /** offset at which the retained part of the log begins */
  start: (folder: string, id: string): string => join(folder, `${id}.log.start`),
  /** record of the object for which the log of a removed sandbox is kept */
  kept: (folder: string, id: string): string => join(folder, `${id}${KEPT}`),
} as const;

/** Suffixes of these names, as a regular expression. */
const END = String.raw`\.log(?:\.(?:\d+|streams|start|start\.new|kept|kept\.new))?`;
const LOG_NAME = new RegExp(`^(.+?)${END}$`);

/** The id of the sandbox whose log a file belongs to, by the file's name. @returns undefined for any other file */
export function sandboxOfLog(name: string): string | undefined {
  return LOG_NAME.exec(name)?.[1];
}

/** The id of the sandbox whose kept log a file records, by the file's name. @returns undefined for any other file */
export function sandboxOfKeptLog(name: string): string | undefined {
  return name.endsWith(KEPT) && name !== KEPT ? name.slice(0, -KEPT.length) : undefined;
}
