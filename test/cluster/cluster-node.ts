import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import { checked } from '../support/command';
import { eventually } from '../support/eventually';
import { KubernetesCluster } from '../support/kubernetes-cluster';
import { containerdToml, cniConfig, kubeletConfig, PAUSE, proxyConfig } from './node-files';

/** of scripts/demo-image.sh */
export const DEMO_IMAGE = resolve(__dirname, '../../.cache/busybox.tar');
const SCRIPT = join(__dirname, 'node.sh');
const READY_MS = 120_000;
const START_MS = 20_000;
const NAME = 'node-1';

/**
 * One node with a whole Kubernetes: the control plane, containerd with CRI, a kubelet and a kube-proxy, in the namespaces
 * that node.sh makes. The machine reaches the node, its Pods and its Services.
 */
export class ClusterNode {
  private constructor(
    readonly cluster: KubernetesCluster,
    private readonly within: readonly string[],
    /** of its first process, as the machine sees it */
    private readonly pid: number,
    readonly address: string,
  ) {}

  /** Ready, with these archives' images imported. */
  static async start(archives: readonly string[]): Promise<ClusterNode> {
    await checked(SCRIPT, ['sweep']); // what a killed run has left
    const folder = mkdtempSync('/var/tmp/fsb-node-');
    const machine = spawn('setpriv', ['--pdeathsig', 'KILL', SCRIPT, 'start', folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const end = (): Promise<void> => endMachine(machine);
    try {
      const index = await readyIndex(machine);
      const pid = onlyChild(machine.pid ?? 0);
      const within = [SCRIPT, 'within', folder, String(pid)];
      const host = `10.77.${index}.2`;
      const services = `10.79.${index}`;
      const cluster = await KubernetesCluster.startAt({
        folder: join(folder, 'kubernetes'),
        ...{ host, names: [host, `${services}.1`], within, end },
        flags: [`--service-cluster-ip-range=${services}.0/24`, '--kubelet-preferred-address-types=InternalIP'],
      });
      const node = new ClusterNode(cluster, within, pid, host);
      await cluster.orEnd(() => node.join(folder, `10.78.${index}.0/24`, archives));
      return node;
    } catch (error) {
      await end();
      await checked(SCRIPT, ['sweep']);
      throw error;
    }
  }

  /** containerd's, as the machine reaches it */
  get containerdSocket(): string {
    return `/proc/${this.pid}/root/run/containerd/containerd.sock`;
  }

  /** @param path of the node @returns where the machine sees it */
  path(path: string): string {
    return join(`/proc/${this.pid}/root`, path);
  }

  /** Runs a command in the node. @throws with what it said */
  run(...command: string[]): Promise<string> {
    const [program = '', ...args] = [...this.within, ...command];
    return checked(program, args);
  }

  /** With all that ran on it, and its folder. */
  async end(): Promise<void> {
    await this.cluster.end();
    await checked(SCRIPT, ['sweep']);
  }

  private async join(folder: string, pods: string, archives: readonly string[]): Promise<void> {
    const at = (name: string): string => join(folder, name);
    const { kubeconfig } = this.cluster;
    mkdirSync(at('cni'));
    writeFileSync(at('cni/10-pods.conflist'), JSON.stringify(cniConfig(pods)));
    writeFileSync(at('containerd.toml'), containerdToml(at('cni')));
    writeFileSync(at('kubelet.yaml'), stringify(kubeletConfig(at('kubernetes/ca.crt'))));
    writeFileSync(at('proxy.yaml'), stringify(proxyConfig(kubeconfig, NAME)));
    this.cluster.startProgram('/usr/bin/containerd', ['--config', at('containerd.toml')]);
    await eventually(() => this.run('ctr', 'version'), START_MS, 200);
    for (const archive of archives) await this.run('ctr', '-n', 'k8s.io', 'images', 'import', archive);
    await this.importPause(at('pause'));
    this.cluster.startProgram('kubelet', [
      ...[`--kubeconfig=${kubeconfig}`, `--config=${at('kubelet.yaml')}`, `--hostname-override=${NAME}`],
      ...['--container-runtime=remote', '--container-runtime-endpoint=unix:///run/containerd/containerd.sock'],
      `--node-ip=${this.address}`,
    ]);
    this.cluster.startProgram('kube-proxy', [`--config=${at('proxy.yaml')}`]);
    await eventually(
      () => this.cluster.kubectl('wait', '--for=condition=Ready', `node/${NAME}`, '--timeout=30s'),
      READY_MS,
      500,
    );
  }

  /** What holds a Pod's namespaces: the demo image, asleep. */
  private async importPause(folder: string): Promise<void> {
    const archive = `${folder}.tar`;
    const copy = (from: string, to: string) => checked('skopeo', ['copy', '-q', '--insecure-policy', from, to]);
    await copy(`oci-archive:${DEMO_IMAGE}`, `oci:${folder}:pause`);
    const sleeps = ['--config.entrypoint', '/bin/sleep', '--config.cmd', 'infinity'];
    await checked('umoci', ['config', '--image', `${folder}:pause`, ...sleeps]);
    await copy(`oci:${folder}:pause`, `oci-archive:${archive}:${PAUSE}`);
    await this.run('ctr', '-n', 'k8s.io', 'images', 'import', archive);
  }
}

async function readyIndex(machine: ChildProcess): Promise<number> {
  const { stdout } = machine;
  if (!stdout) throw new Error('node.sh has no output');
  const lines = createInterface(stdout);
  const [line] = (await Promise.race([once(lines, 'line'), once(lines, 'close')])) as [string?];
  const index = /^ready (\d+)$/.exec(line ?? '')?.[1];
  if (index === undefined) throw new Error(`node.sh does not come up: ${line ?? 'it ended'}`);
  return Number(index);
}

function onlyChild(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}

async function endMachine(machine: ChildProcess): Promise<void> {
  if (machine.exitCode !== null || machine.signalCode !== null) return;
  const exited = once(machine, 'exit');
  machine.kill('SIGKILL'); // unshare --kill-child takes the first process along, and the kernel all others
  await exited;
}
