import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { checked } from '../support/command';
import { eventually } from '../support/eventually';
import { KubernetesCluster } from '../support/kubernetes-cluster';
import { Machine } from './machine';
import { cniConfig, containerdToml, kubeletConfig, PAUSE, proxyConfig } from './node-files';

/** archive written by scripts/demo-image.sh */
export const DEMO_IMAGE = resolve(__dirname, '../../.cache/busybox.tar');
const READY_MS = 120_000;
const START_MS = 20_000;
const NAME = 'node-1';

/** One node with a complete Kubernetes: control plane, containerd with CRI, kubelet and kube-proxy. */
export class ClusterNode {
  private constructor(
    readonly machine: Machine,
    readonly cluster: KubernetesCluster,
  ) {}

  /** Starts the node and waits until it is Ready. @param archives images to import */
  static async start(archives: readonly string[]): Promise<ClusterNode> {
    const machine = await Machine.start();
    try {
      const cluster = await KubernetesCluster.startAt({
        folder: join(machine.folder, 'kubernetes'),
        host: machine.address,
        names: [machine.address, machine.apiAddress],
        within: machine.within,
        flags: [`--service-cluster-ip-range=${machine.serviceRange}`, '--kubelet-preferred-address-types=InternalIP'],
        end: () => machine.end(),
      });
      const node = new ClusterNode(machine, cluster);
      await cluster.orEnd(() => node.join(archives));
      return node;
    } catch (error) {
      await machine.end();
      await machine.sweep();
      throw error;
    }
  }

  /** containerd's socket, as a path on this machine */
  get containerdSocket(): string {
    return this.machine.path('/run/containerd/containerd.sock');
  }

  async end(): Promise<void> {
    await this.cluster.end();
    await this.machine.sweep();
  }

  private async join(archives: readonly string[]): Promise<void> {
    const { cluster, machine } = this;
    const at = (name: string): string => join(machine.folder, name);
    mkdirSync(at('cni'));
    writeFileSync(at('cni/10-pods.conflist'), JSON.stringify(cniConfig(machine.podRange)));
    writeFileSync(at('containerd.toml'), containerdToml(at('cni')));
    writeFileSync(
      at('kubelet.yaml'),
      stringify({ ...kubeletConfig(at('kubernetes/ca.crt')), ...cluster.release.kubeletConfig }),
    );
    writeFileSync(at('proxy.yaml'), stringify(proxyConfig(cluster.kubeconfig, NAME)));
    cluster.startProgram('/usr/bin/containerd', ['--config', at('containerd.toml')]);
    await eventually(() => machine.run('ctr', 'version'), START_MS, 200);
    for (const archive of [...archives, await pauseArchive(at('pause'))]) {
      await machine.run('ctr', '-n', 'k8s.io', 'images', 'import', archive);
    }
    cluster.startProgram('kubelet', [
      ...[`--kubeconfig=${cluster.kubeconfig}`, `--config=${at('kubelet.yaml')}`, `--hostname-override=${NAME}`],
      ...['--container-runtime-endpoint=unix:///run/containerd/containerd.sock', `--node-ip=${machine.address}`],
      ...cluster.release.kubelet,
    ]);
    cluster.startProgram('kube-proxy', [`--config=${at('proxy.yaml')}`]);
    const ready = (): Promise<string> => cluster.kubectl('wait', '--for=condition=Ready', `node/${NAME}`);
    await eventually(ready, READY_MS, 500);
  }
}

/** Builds the pause image, which holds a Pod's namespaces, from the demo image. @returns path of its archive */
async function pauseArchive(folder: string): Promise<string> {
  const archive = `${folder}.tar`;
  const copy = (from: string, to: string) => checked('skopeo', ['copy', '-q', '--insecure-policy', from, to]);
  await copy(`oci-archive:${DEMO_IMAGE}`, `oci:${folder}:pause`);
  const sleeps = ['--config.entrypoint', '/bin/sleep', '--config.cmd', 'infinity'];
  await checked('umoci', ['config', '--image', `${folder}:pause`, ...sleeps]);
  await copy(`oci:${folder}:pause`, `oci-archive:${archive}:${PAUSE}`);
  return archive;
}
