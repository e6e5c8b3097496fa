import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CAPABILITIES } from '@fsb/containerd/oci-spec';
import { ImageArchive } from './image-archive';
import { type QuirkImage, type QuirkRequest } from './quirk';

export interface PodmanOutcome {
  readonly output: string;
  /** exit code; 125 to 127 are podman's own: nothing has run */
  readonly code: number;
}

const RUN_MS = 60_000;

/** Runs images in podman, the reference for docker's rules, with the rights of a sandbox and a store of its own. */
export class Podman {
  private readonly folder = mkdtempSync('/var/tmp/fsb-podman-');
  private readonly images = new Map<string, Promise<string>>();

  /** @returns undefined where podman is not installed */
  static find(): Podman | undefined {
    try {
      execFileSync('podman', ['--version'], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    return new Podman();
  }

  /** @throws Error where podman cannot read the image */
  async run(
    name: string,
    image: QuirkImage,
    { command, args, workingDir, env = {} }: QuirkRequest,
  ): Promise<PodmanOutcome> {
    const id = await this.pulled(name, image);
    const [entrypoint] = command ?? [];
    const options = [
      ...[
        '--rm',
        '--network=none',
        '--ulimit=nofile=1024:1024',
        '--ulimit=nproc=1024:1024',
        '--security-opt=no-new-privileges',
        '--cap-drop=all',
      ],
      ...CAPABILITIES.map((capability) => `--cap-add=${capability}`),
      ...Object.entries(env).map(([variable, value]) => `--env=${variable}=${value}`),
      ...(workingDir === undefined ? [] : [`--workdir=${workingDir}`]),
      ...(entrypoint === undefined ? [] : [`--entrypoint=${JSON.stringify(command)}`]),
    ];
    return this.call('run', ...options, id, ...(args ?? []));
  }

  async stop(): Promise<void> {
    await this.call('system', 'reset', '--force');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private pulled(name: string, image: QuirkImage): Promise<string> {
    const known = this.images.get(name) ?? this.pull(name, image);
    this.images.set(name, known);
    return known;
  }

  private async pull(name: string, { layers, config }: QuirkImage): Promise<string> {
    const archive = new ImageArchive();
    const file = join(this.folder, `${name}.tar`);
    archive.add(`localhost/${name}:1`, layers, config);
    archive.write(file);
    const { output, code } = await this.call('pull', '--quiet', `oci-archive:${file}`);
    if (code !== 0) throw new Error(`podman does not take ${name}`);
    return output.trim();
  }

  private call(...args: string[]): Promise<PodmanOutcome> {
    const at = (name: string): string => join(this.folder, name);
    const own = ['--root', at('root'), '--runroot', at('run'), '--tmpdir', at('tmp')];
    const how = ['--runtime=runc', '--cgroup-manager=cgroupfs', '--events-backend=none', '--storage-driver=overlay'];
    return new Promise((resolve) => {
      execFile('podman', [...own, ...how, ...args], { timeout: RUN_MS }, (error, stdout) => {
        resolve({ output: stdout, code: error === null ? 0 : typeof error.code === 'number' ? error.code : 125 });
      });
    });
  }
}
