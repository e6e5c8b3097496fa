import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
const COMMAND_MS = 10_000;
const linkList = z.array(z.object({ ifname: z.string(), link_netnsid: z.number().optional() }).partial());
const namespaceList = z.array(z.object({ name: z.string(), id: z.number().optional() }));

export interface VirtualLink {
  readonly name: string;
  /** whether its peer is in a named network namespace */
  readonly peerIsNamed: boolean;
}

/** Runs `ip`, for at most 10 s. @returns its stdout @throws Error whose message carries its stderr */
export async function ip(...args: string[]): Promise<string> {
  const { stdout } = await run('ip', args, { timeout: COMMAND_MS, maxBuffer: 4 * 1024 * 1024 });
  return stdout;
}

/** Lists the veth interfaces on a bridge. @throws Error of {@link ip}, or of a malformed answer */
export async function linksOf(bridge: string): Promise<VirtualLink[]> {
  const links = linkList.parse(parse(await ip('-j', 'link', 'show', 'master', bridge, 'type', 'veth')));
  const namespaces = namespaceList.parse(parse(await ip('-j', 'netns', 'list')));
  const named = new Set(namespaces.map(({ id }) => id));
  return links.flatMap(({ ifname, link_netnsid: id }) =>
    ifname === undefined ? [] : [{ name: ifname, peerIsNamed: id === undefined || named.has(id) }],
  );
}

function parse(output: string): unknown {
  return JSON.parse(output.trim() || '[]');
}
