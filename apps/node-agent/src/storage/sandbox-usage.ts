import { type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type SandboxCgroups } from '../sandboxes/sandbox-cgroups';
import { type SandboxFolder } from '../sandboxes/sandbox-files';
import { type DiskUsage, type UsageLimits } from './disk-usage';
import { type Footprint } from './grower-plan';
import { type UsageMeter } from './usage-meter';

export interface UsageParts {
  readonly runtime: Pick<SandboxRuntime, 'writableLayer'>;
  readonly folder: Pick<SandboxFolder, 'bytesOnDisk'>;
  readonly cgroups: Pick<SandboxCgroups, 'processes' | 'written'>;
  readonly meter: UsageMeter;
}

export interface Measurement {
  /** of its layer and its unlinked files */
  readonly usage: DiskUsage;
  /** of its log and the agent's own files for it */
  readonly logBytes: number;
  readonly footprint: Footprint;
}

const NOTHING: DiskUsage = { bytes: 0, entries: 0, tooDeep: false };

/** Measures the disk usage of one sandbox. */
export class SandboxUsage {
  constructor(private readonly parts: UsageParts) {}

  /** @param limits including its log; the measurement stops where they are passed */
  async measure(id: string, limits: UsageLimits): Promise<Measurement> {
    const { runtime, folder, cgroups, meter } = this.parts;
    const [logBytes, pids, written] = await Promise.all([
      folder.bytesOnDisk(id),
      cgroups.processes(id),
      cgroups.written(id),
    ]);
    const bytes = limits.bytes - logBytes;
    const layer = bytes < 0 ? undefined : await runtime.writableLayer(id);
    const usage =
      layer === undefined ? NOTHING : await meter.measure({ folder: layer, limits: { ...limits, bytes }, pids });
    return { usage, logBytes, footprint: { bytes: usage.bytes + logBytes, written, isWhole: pids.length > 0 } };
  }

  stop(): Promise<void> {
    return this.parts.meter.stop();
  }
}
