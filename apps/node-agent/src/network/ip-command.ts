import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { z } from 'zod';
import { type NameserverRoute } from './block-plan';

/** Timeout of a command, which talks to the kernel only. */
const IP_MS = 10_000;
const Links = z.array(z.object({ addr_info: z.array(z.object({ family: z.string() })) }));
const Routes = z.array(z.object({ dev: z.string(), gateway: z.string().optional() }));

/** Runs iproute2 in one network namespace. */
export class IpCommand {
  /** @param namespace path below /run/netns, the only folder in which `ip` looks */
  constructor(private readonly namespace: string) {}

  async hasIpv6(): Promise<boolean> {
    const links = Links.parse(JSON.parse(await this.run(['-j', 'address'])));
    return links.some((link) => link.addr_info.some(({ family }) => family === 'inet6'));
  }

  /** @returns undefined where the address is unreachable */
  async routeTo(address: string): Promise<NameserverRoute | undefined> {
    const answer = await this.run(['-j', 'route', 'get', address]).catch(() => '[]');
    const [route] = Routes.parse(JSON.parse(answer));
    return route && { address, device: route.dev, gateway: route.gateway };
  }

  /** Runs lines up to the first that fails. @throws Error with the kernel's message */
  async batch(lines: readonly string[]): Promise<void> {
    await this.run(['-batch', '-'], `${lines.join('\n')}\n`);
  }

  private run(args: readonly string[], input = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const command = ['-n', basename(this.namespace), ...args];
      const child = execFile('ip', command, { timeout: IP_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
        if (error) reject(new Error(stderr.trim() || error.message));
        else resolve(stdout);
      });
      child.stdin?.on('error', () => undefined); // the command ended before, and its error is reported
      child.stdin?.end(input);
    });
  }
}
