import { readFileSync } from 'node:fs';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { type CommonConfig } from '@fsb/component-base/bootstrap';
import { Readiness } from '@fsb/component-base/readiness';
import { Traffic } from '@fsb/component-base/traffic';
import { ContainerIds } from '@fsb/containerd/container-ids';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { ImageStore } from '@fsb/containerd/image-store';
import { CAPABILITIES } from '@fsb/containerd/oci-spec';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { ShimGroups } from '@fsb/containerd/shim-groups';
import { sandboxSeccomp } from '@fsb/containerd/sandbox-seccomp';
import { type OciSeccomp, type SeccompProfile, toOciSeccomp } from '@fsb/containerd/seccomp-profile';
import { ImagePuller } from '@fsb/containerd/image-puller';
import { PullRecords } from '@fsb/containerd/pull-records';
import { Registry } from 'prom-client';
import { type AgentConfig } from './agent.config';
import { AgentMetrics } from './agent-metrics';
import { AgentController } from './http/agent.controller';
import { AgentErrorFilter } from './http/agent-error.filter';
import { AgentLogsController } from './http/logs.controller';
import { OpenStreams } from './http/open-streams';
import { Rehearsal } from './http/rehearsal';
import { StatusSnapshot } from './http/status-snapshot';
import { StatusController } from './http/status.controller';
import { ImageAccess } from './images/image-access';
import { ImageList } from './images/image-list';
import { ImagePulls } from './images/image-pulls';
import { PullSeats } from './images/pull-seats';
import { RegistryGuard } from './images/registry-guard';
import { launcherSeccomp } from './launch/launch-spec';
import { launchersOf } from './launch/launchers';
import { BlockedAddresses } from './network/blocked-addresses';
import { EndedLogs } from './logs/ended-logs';
import { LogReader } from './logs/log-reader';
import { LogSweep } from './logs/log-sweep';
import { placeLogWriter } from './logs/log-writer';
import { SandboxLogs } from './logs/sandbox-logs';
import { Admission, type Capacity } from './sandboxes/admission';
import { CEILINGS, ceilingsOf } from './sandboxes/ceilings';
import { ClaimRecords } from './sandboxes/claim-records';
import { signFolders } from './sandboxes/folder-owner';
import { OomCheck } from './sandboxes/oom-check';
import { allowedOpenFiles, ownNetworkNamespace, parentCgroup } from './sandboxes/placement';
import { RuntimeWatch } from './sandboxes/runtime-watch';
import { SandboxCgroups } from './sandboxes/sandbox-cgroups';
import { makeSandboxesGroup } from './sandboxes/sandboxes-group';
import { SandboxContainers, type SandboxPlacement } from './sandboxes/sandbox-containers';
import { SandboxExits } from './sandboxes/sandbox-exits';
import { SandboxFolder } from './sandboxes/sandbox-files';
import { SandboxLifecycle } from './sandboxes/sandbox-lifecycle';
import { SandboxRecovery } from './sandboxes/sandbox-recovery';
import { SandboxTable } from './sandboxes/sandbox-table';
import { DEFAULT_PIDS } from './sandboxes/create-request';
import { FreeSpaceWatch } from './storage/free-space-watch';
import { SandboxUsage } from './storage/sandbox-usage';
import { StorageWatch } from './storage/storage-watch';
import { UsageMeter } from './storage/usage-meter';
import { ClaimFiles } from './standby/claim-files';
import { StandbyContainers } from './standby/standby-containers';
import { StandbyDemand } from './standby/standby-demand';
import { StandbyStart } from './standby/standby-start';

/** The part of the Pod's memory that is reserved for the agent itself. */
const AGENT_RESERVE_BYTES = 128 * 1024 * 1024;
/** Interval of free space checks, one statfs(2) each. A fast disk takes less than 1 GiB between two. */
const FREE_SPACE_MS = 1_000;

@Module({})
export class AgentModule {
  static forRoot(config: AgentConfig & Pick<CommonConfig, 'metricsBindAddress'>): DynamicModule {
    signFolders(config.runDir, config.installation);
    const client = new ContainerdClient(config.containerdSocket);
    const groups = shimGroupsOf(config);
    const ids = new ContainerIds();
    const runtime = new SandboxRuntime(client, groups, ids);
    const store = new ImageStore(client);
    const admission = new Admission(capacityOf(config));
    const table = new SandboxTable(admission);
    const images = new ImageList(store, table);
    const logs = new SandboxLogs(config.logDir, placeLogWriter(config));
    const { endedLogsPerNamespace: namespaceBytes, endedLogsPerNode: nodeBytes } = config;
    const endedLogs = new EndedLogs(logs, { namespaceBytes, nodeBytes });
    const placement = placementOf(config, ids);
    const traffic = new Traffic();
    const folder = new SandboxFolder(config.runDir, logs, config.podUid);
    const claimFiles = new ClaimFiles({ runtime, folder, traffic });
    const claims = new ClaimRecords(runtime, config, claimFiles);
    const exits = new SandboxExits({ admission, table, claims, runtime, cgroups: placement.cgroups });
    const { networkNamespace, cgroups, seccomp, openFiles } = placement;
    const ceilings = ceilingsOf(config);
    const pids = Math.min(DEFAULT_PIDS, ceilings.pids);
    const limits = { memoryBytes: admission.share() || undefined, cpus: config.cpuLimit, pids };
    const launchers = launchersOf(config);
    const demand = new StandbyDemand();
    demand.setNamed(config.warmImages);
    const places = { networkNamespace, cgroups, seccomp, openFiles, folder, launchers };
    const onImages = (of: readonly string[]): void => {
      table.publish({ type: 'waiting', images: of });
    };
    const access = new ImageAccess(new PullRecords(client), config.imagePullCredentialsVerificationPolicy);
    const sources = { images: store, access, runtime };
    const warm = new StandbyContainers({ config, ...places, ...sources, demand, limits, traffic, onImages });
    const address = config.podIp;
    const warmStart = new StandbyStart({ containers: warm, claimFiles, exits, folder, cgroups, ids, limits, address });
    const recovery = new SandboxRecovery({ admission, table, claims, claimFiles, exits, folder, groups, ids, warm });
    const registries = new RegistryGuard(config);
    const pulls = new ImagePulls({
      ...{ store, puller: new ImagePuller(client, store), access, registries, allowed: config.pull },
      seats: new PullSeats({ perAgent: config.maxImagePulls, perNamespace: config.maxImagePullsPerNamespace }),
      limits: { maxBytes: config.maxImageSize, progressTimeoutMs: config.imagePullProgressTimeout },
    });
    const made = { config, placement, images: pulls, runtime, folder, ids, launchers };
    const containers = new SandboxContainers({ ...made, warm, warmStart });
    const usage = (): SandboxUsage => new SandboxUsage({ runtime, folder, cgroups, meter: new UsageMeter() });
    const storage = new StorageWatch(
      { admission, table, exits, usage: usage() },
      { everyMs: config.storageInterval, defaultBytes: config.sandboxStorage },
    );
    const { footprints } = storage;
    const freeSpace = new FreeSpaceWatch(
      { table, exits, runtime, usage: usage(), footprints },
      { leastBytes: config.minFreeStorage, everyMs: FREE_SPACE_MS, againMs: config.storageInterval },
    );
    const lifecycle: Provider = {
      provide: SandboxLifecycle,
      inject: [Registry],
      useFactory: (registry: Registry) => {
        const metrics = new AgentMetrics(registry, { admission, warm, slots: config.agentCapacity });
        const parts = {
          config,
          admission,
          table,
          claims,
          exits,
          recovery,
          containers,
          runtime,
          metrics,
          traffic,
          endedLogs,
        };
        return new SandboxLifecycle(parts);
      },
    };
    return {
      module: AgentModule,
      controllers: [AgentController, AgentLogsController, StatusController],
      providers: [
        lifecycle,
        OomCheck,
        OpenStreams,
        Rehearsal,
        { provide: Admission, useValue: admission },
        { provide: CEILINGS, useValue: ceilings },
        { provide: APP_FILTER, useClass: AgentErrorFilter },
        { provide: ImageList, useValue: images },
        { provide: RegistryGuard, useValue: registries },
        { provide: EndedLogs, useValue: endedLogs },
        { provide: LogReader, useValue: new LogReader(logs, (id, signal) => exits.untilComplete(id, signal)) },
        {
          provide: LogSweep,
          useValue: new LogSweep(logs, table, { maxBytes: config.logMaxSize, everyMs: config.logSweepInterval }),
        },
        {
          provide: RuntimeWatch,
          inject: [SandboxLifecycle, Readiness],
          useFactory: (built: SandboxLifecycle, readiness: Readiness) =>
            new RuntimeWatch({ runtime, lifecycle: built, exits, images, warm, ids }, readiness),
        },
        {
          provide: BlockedAddresses,
          useValue: new BlockedAddresses(placement.networkNamespace, config.blockedAddresses),
        },
        { provide: StorageWatch, useValue: storage },
        { provide: FreeSpaceWatch, useValue: freeSpace },
        { provide: SandboxTable, useValue: table },
        { provide: Traffic, useValue: traffic },
        { provide: StatusSnapshot, useValue: new StatusSnapshot({ config, admission, table, images, warm }) },
      ],
    };
  }
}

function capacityOf(config: AgentConfig & Pick<CommonConfig, 'metricsBindAddress'>): Capacity {
  const { agentCapacity, memoryLimit, ephemeralStorageLimit, httpPort } = config;
  const { healthProbeBindAddress, metricsBindAddress } = config;
  return {
    slots: agentCapacity,
    memoryBytes: memoryLimit === undefined ? undefined : Math.max(0, memoryLimit - AGENT_RESERVE_BYTES),
    storageBytes: ephemeralStorageLimit,
    reservedPorts: [...new Set([httpPort, healthProbeBindAddress.port, metricsBindAddress.port])].filter(
      (port) => port > 0,
    ),
  };
}

function shimGroupsOf({ installation, podUid, sandboxesPerShim }: AgentConfig): ShimGroups | undefined {
  return sandboxesPerShim === 1 ? undefined : new ShimGroups(`fsb.${installation}.${podUid}`, sandboxesPerShim);
}

function placementOf(config: AgentConfig, ids: ContainerIds): SandboxPlacement {
  return {
    networkNamespace: config.networkNamespace ?? ownNetworkNamespace(),
    cgroups: new SandboxCgroups(makeSandboxesGroup(config.cgroupParent ?? parentCgroup()), ids),
    seccomp: readSeccomp(config.seccompProfile),
    openFiles: allowedOpenFiles(config.openFiles),
    cpuLimit: config.cpuLimit,
  };
}

function readSeccomp(file: string): OciSeccomp {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as SeccompProfile;
  return launcherSeccomp(sandboxSeccomp(toOciSeccomp(profile, CAPABILITIES, process.arch)));
}
