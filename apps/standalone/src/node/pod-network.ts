import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NETWORK_NAMESPACES } from '@fsb/node/node-folders';
import { z } from 'zod';
import { runProgram } from '../machine';

const CNI_VERSION = '0.4.0';
const CNI_MS = 20_000;
const OUTPUT_LIMIT = 64 * 1024;
const addResult = z.object({ ips: z.array(z.object({ address: z.string() })).min(1) });
const cniError = z.object({ msg: z.string(), details: z.string().optional() });

export interface PodNetworkOptions {
  readonly bridge: string;
  readonly subnet: string;
  /** folder in which host-local records allocated addresses */
  readonly dataDir: string;
  /** folder of the CNI plugins */
  readonly binDir: string;
}

/** Network namespaces on one bridge, made by the CNI plugins bridge, host-local and loopback, as with a kubelet. */
export class PodNetwork {
  constructor(private readonly options: PodNetworkOptions) {}

  /**
   * @param name name below /run/netns
   * @returns the Pod's IPv4 address
   */
  async add(name: string, podUid: string): Promise<string> {
    await this.remove(name, podUid); // remains of a failed attempt
    await runProgram('ip', 'netns', 'add', name);
    await this.plugin('loopback', 'ADD', { name, podUid, device: 'lo' });
    const result = await this.plugin('bridge', 'ADD', { name, podUid, device: 'eth0' });
    const [ip] = addResult.parse(JSON.parse(result)).ips;
    return ip?.address.replace(/\/\d+$/, '') ?? '';
  }

  exists(name: string): boolean {
    return existsSync(join(NETWORK_NAMESPACES, name));
  }

  /** Frees the address, removes the veth and its rules, then the namespace. Idempotent. */
  async remove(name: string, podUid: string): Promise<void> {
    await this.plugin('bridge', 'DEL', { name, podUid, device: 'eth0' });
    if (this.exists(name)) await runProgram('ip', 'netns', 'delete', name);
  }

  private plugin(
    type: 'bridge' | 'loopback',
    verb: 'ADD' | 'DEL',
    { name, podUid, device }: { name: string; podUid: string; device: string },
  ): Promise<string> {
    const path = join(NETWORK_NAMESPACES, name);
    const env = {
      PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      CNI_COMMAND: verb,
      CNI_CONTAINERID: podUid,
      // a DEL without it still frees the address and the rules
      CNI_NETNS: verb === 'ADD' || this.exists(name) ? path : '',
      CNI_IFNAME: device,
      CNI_PATH: this.options.binDir,
    };
    const config = type === 'bridge' ? this.bridgeConfig() : { cniVersion: CNI_VERSION, name: 'lo', type };
    return runPlugin(join(this.options.binDir, type), env, JSON.stringify(config));
  }

  private bridgeConfig(): object {
    const { bridge, subnet, dataDir } = this.options;
    return {
      cniVersion: CNI_VERSION,
      name: bridge,
      type: 'bridge',
      bridge,
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: { type: 'host-local', ranges: [[{ subnet }]], routes: [{ dst: '0.0.0.0/0' }], dataDir },
    };
  }
}

/** Runs a CNI plugin: configuration on stdin, result on stdout, errors too. */
function runPlugin(file: string, env: NodeJS.ProcessEnv, config: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, { env, stdio: ['pipe', 'pipe', 'pipe'], timeout: CNI_MS, killSignal: 'SIGKILL' });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (output.length < OUTPUT_LIMIT) output += text;
      });
    }
    child.on('error', reject);
    child.stdin.on('error', () => undefined); // EPIPE: a plugin may fail before it reads; stdout has the error
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${file} ${env['CNI_COMMAND'] ?? ''}: ${reasonIn(output)}`));
    });
    child.stdin.end(config);
  });
}

function reasonIn(output: string): string {
  try {
    const { msg, details } = cniError.parse(JSON.parse(output));
    return details ? `${msg}: ${details}` : msg;
  } catch {
    return output.trim() || 'no answer';
  }
}
