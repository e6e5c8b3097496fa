import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@fsb/api/errors';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type Choice } from './choice';

type Runtime = NonNullable<Choice['runtime']>;
const FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'];
const TRIAL_MS = 20_000;

/**
 * Chooses crun when a container runs with it (it is a third faster), else runc. A trial container decides, since what
 * stops crun (hybrid cgroups, an old kernel, its build options) cannot be detected otherwise.
 * @throws Error when a container runs with neither
 */
export async function chooseRuntime(socket: string, logFile: string): Promise<Runtime> {
  const failures: string[] = [];
  for (const name of ['crun', 'runc'] as const) {
    const binary = FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
    const failure = binary === undefined ? 'not installed' : await trial(socket, binary, name, logFile);
    if (failure === undefined && binary !== undefined) {
      return { name, binary, reason: ['a container ran with it', ...failures].join('; ') };
    }
    failures.push(`${name}: ${failure ?? 'not installed'}`);
  }
  throw new Error(`no container runs on this machine: ${failures.join('; ')}`);
}

async function trial(socket: string, binary: string, name: string, logFile: string): Promise<string | undefined> {
  const client = new ContainerdClient(socket);
  const runtime = new SandboxRuntime(client);
  const id = `fsb-trial-${name}-${process.pid}`;
  const request = { id, image: 'none', chainId: '', labels: {}, claim: {}, spec: trialSpec(id), logFile };
  try {
    writeFileSync(logFile, '');
    await runtime.create({ ...request, runtimeBinary: binary }, AbortSignal.timeout(TRIAL_MS));
    const ended = await runtime.wait(id, TRIAL_MS);
    await runtime.remove(id);
    return ended?.exitStatus === 0 ? undefined : `its process ended with ${String(ended?.exitStatus ?? 'nothing')}`;
  } catch (error) {
    await runtime.remove(id).catch(() => undefined);
    return messageOf(error);
  } finally {
    client.close();
  }
}

/** Runs /bin/true of the machine in an empty root, so that no image is needed. */
function trialSpec(id: string): Record<string, unknown> {
  const shown = ['/bin', '/lib', '/lib64', '/usr'].filter((path) => existsSync(path));
  return {
    ociVersion: '1.0.2',
    process: { args: ['/bin/true'], cwd: '/', env: ['PATH=/usr/bin:/bin'], user: { uid: 0, gid: 0 } },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
      ...shown.map((path) => ({ destination: path, type: 'bind', source: path, options: ['rbind', 'ro'] })),
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'network', 'cgroup'].map((type) => ({ type })),
      cgroupsPath: `/${id}`,
      resources: { pids: { limit: 16 } },
    },
  };
}
