import { readFileSync } from 'node:fs';
import { type DynamicModule, Module } from '@nestjs/common';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { ImageStore } from '@fsb/containerd/image-store';
import { CAPABILITIES } from '@fsb/containerd/oci-spec';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type SeccompProfile, toOciSeccomp } from '@fsb/containerd/seccomp-profile';
import { AGENT_CONFIG, type AgentConfig } from './agent.config';
import { AgentController } from './http/agent.controller';
import { AGENT_TOKEN } from './http/bearer.guard';
import { Admission } from './sandboxes/admission';
import { ExitWatch } from './sandboxes/exit-watch';
import { ownNetworkNamespace, siblingCgroup } from './sandboxes/placement';
import { SandboxContainers } from './sandboxes/sandbox-containers';
import { SandboxFolder } from './sandboxes/sandbox-files';
import { SandboxLifecycle } from './sandboxes/sandbox-lifecycle';
import { SandboxTable } from './sandboxes/sandbox-table';

/** What the agent itself may use of the Pod's memory. */
const AGENT_RESERVE_BYTES = 128 * 1024 * 1024;

@Module({})
export class AgentModule {
  static forRoot(config: AgentConfig): DynamicModule {
    const client = new ContainerdClient(config.containerdSocket);
    const runtime = new SandboxRuntime(client);
    const images = new ImageStore(client);
    const admission = new Admission({
      slots: config.agentCapacity,
      memoryBytes: config.memoryLimit === undefined ? undefined : Math.max(0, config.memoryLimit - AGENT_RESERVE_BYTES),
      reservedPorts: [config.httpPort],
    });
    const table = new SandboxTable(admission);
    const containers = new SandboxContainers(
      config,
      {
        networkNamespace: config.networkNamespace ?? ownNetworkNamespace(),
        cgroupParent: config.cgroupParent ?? siblingCgroup(),
        seccomp: readSeccomp(config.seccompProfile),
      },
      images,
      runtime,
      new SandboxFolder(config.runDir, config.logDir),
    );
    return {
      module: AgentModule,
      controllers: [AgentController],
      providers: [
        { provide: AGENT_CONFIG, useValue: config },
        { provide: SandboxRuntime, useValue: runtime },
        { provide: ImageStore, useValue: images },
        { provide: Admission, useValue: admission },
        { provide: SandboxTable, useValue: table },
        { provide: AGENT_TOKEN, useFactory: () => readFileSync(config.agentTokenFile, 'utf8') },
        {
          provide: SandboxLifecycle,
          useFactory: () => new SandboxLifecycle(config, admission, table, containers, runtime),
        },
        ExitWatch,
      ],
    };
  }
}

function readSeccomp(file: string): ReturnType<typeof toOciSeccomp> {
  return toOciSeccomp(JSON.parse(readFileSync(file, 'utf8')) as SeccompProfile, CAPABILITIES, process.arch);
}
