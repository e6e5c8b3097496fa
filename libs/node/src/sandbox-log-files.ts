import { join } from 'node:path';

const KEPT = '.log.kept';

/** The files of a sandbox's log. Further ones end in `.new` while they are written, or in a number (the original's, rotated). */
export const logFiles = {
  log: (folder: string, id: string): string => join(folder, `${id}.log`),
  /** which bytes are stderr's */
  streams: (folder: string, id: string): string => join(folder, `${id}.log.streams`),
  /** where what is kept begins */
  start: (folder: string, id: string): string => join(folder, `${id}.log.start`),
  /** for which object the log of a removed sandbox is kept */
  kept: (folder: string, id: string): string => join(folder, `${id}${KEPT}`),
} as const;

/** The end of each of these names, as a regular expression. */
const END = String.raw`\.log(?:\.(?:\d+|streams|start|start\.new|kept|kept\.new))?`;
const LOG_NAME = new RegExp(`^(.+?)${END}$`);

/** The sandbox whose log a file is a part of, by the file's name. @returns undefined for any other file */
export function sandboxOfLog(name: string): string | undefined {
  return LOG_NAME.exec(name)?.[1];
}

/** The sandbox whose kept log a file is the record of. @returns undefined for any other file */
export function sandboxOfKeptLog(name: string): string | undefined {
  return name.endsWith(KEPT) && name !== KEPT ? name.slice(0, -KEPT.length) : undefined;
}
