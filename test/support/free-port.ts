import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

const TRIES = 50;
/** Below the kernel's ephemeral range, so that no outgoing connection takes the port of a server during its restart. */
const [LOWEST, HIGHEST] = [10_000, 32_000];
/** Suites that run at the same time draw from ranges of their own. */
const RANGES = 4;
const RANGE = Math.floor((HIGHEST - LOWEST) / RANGES);
const FIRST = LOWEST + (Number(process.env['JEST_WORKER_ID'] ?? 0) % RANGES) * RANGE;

/** Ports that were given: each is free until its server listens, and must not be given twice until then. */
const given = new Set<number>();

/** A TCP port of 127.0.0.1 that was free at the time of the call. */
export function freePort(): Promise<number> {
  return freePorts(1);
}

/**
 * The first of `count` consecutive TCP ports of 127.0.0.1 that were free at the time of the call. @throws Error if none
 */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const first = randomInt(FIRST, FIRST + RANGE - count);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if (ports.some((port) => given.has(port))) continue;
    for (const port of ports) given.add(port);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return first;
    for (const port of ports) given.delete(port);
  }
  throw new Error(`no ${count} free ports in a row`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
