import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { cpus, hostname, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger as NestLogger } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type Address, address, type ConfigOf, flag, loadConfig, wholeNumber } from '@fsb/component-base/config';
import { EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { installationId } from '@fsb/controller-runtime/installation';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { kubeFlags } from '@fsb/controller-runtime/kube.module';
import { type Logger, pino } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { z } from 'zod';
import { bridgeName, cgroupName } from '@fsb/node/machine-names';
import { appEntry } from '../layout';
import { gatewayOf } from '../supervisor/subnet';
import { NodeRegistration } from './node-registration';
import { PodHost } from './pod-host';
import { PodNetwork } from './pod-network';
import { SecretVolumes } from './secret-volumes';

const flags = {
  ...kubeFlags,
  nodeName: flag(z.string().default(hostname()), 'Name of this node in the cluster'),
  runDir: flag(z.string().default('/run/fast-sandbox/pods'), "Folder for the Pods' records"),
  logDir: flag(z.string().default('/var/log/fast-sandbox/pods'), "Folder for the Pods' logs"),
  secretDir: flag(z.string().default('/run/fast-sandbox/agent-tls'), "Folder for the Pods' Secrets"),
  cniDir: flag(
    z.string().default('/var/lib/fast-sandbox/cni'),
    'Folder for the addresses in use, of the CNI plugin host-local',
  ),
  cniBinDir: flag(z.string().default('/usr/lib/cni'), 'Folder of the CNI plugins'),
  subnet: flag(
    z
      .string()
      .regex(/^\d+\.\d+\.\d+\.0\/24$/, 'must be an IPv4 network such as 10.88.0.0/24')
      .default('10.88.0.0/24'),
    "Network of the Pods' addresses",
  ),
  agentEntry: flag(
    z.string().default(appEntry('node-agent')),
    'Node.js file to run for the image fast-sandbox/node-agent',
  ),
  healthProbeBindAddress: flag(
    address().default({ host: '127.0.0.1', port: 9191 }),
    'Address of /healthz, /readyz and /metrics',
  ),
  v: flag(wholeNumber(0, 99).default(0), 'Log detail', 'LOG_VERBOSITY'),
};
const description = {
  name: 'standalone node',
  description: 'Runs the Pods of this node as processes, each in a network namespace of its own.',
  examples: ['standalone node --kubeconfig /etc/kubernetes/node.yaml --node-name box-1'],
};
const RETRY_MS = 500;
const STOP_MS = 10_000;

/** Runs until SIGTERM or SIGINT. Pods keep running; the next node process adopts them. */
export async function runNode(argv: readonly string[]): Promise<void> {
  const config = loadConfig(description, flags, argv, process.env);
  const logger = pino({ level: config.v > 0 ? 'debug' : 'info', base: { service: 'node', pid: process.pid } });
  logThrough(logger);
  const closing = new AbortController();
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve();
      });
    }
  });
  const client = new KubeClient(loadKubeConfig(config.kubeconfig), 'node');
  let host: PodHost | undefined;
  const registration = new NodeRegistration(client, config.nodeName, gatewayOf(config.subnet), logger);
  const isReady = (): boolean => registration.isReady && host?.isReady === true;
  const probes = serveProbes(config.healthProbeBindAddress, isReady, logger);
  registration.start(closing.signal);
  const events = new EventRecorder(client, 'node');
  const installation = await Promise.race([learnInstallation(client, logger, closing.signal), signalled]);
  if (installation !== undefined) {
    for (const folder of [config.runDir, config.logDir, config.cniDir]) mkdirSync(folder, { recursive: true });
    host = makeHost(config, installation, { client, events, logger, closing: closing.signal });
    host.start();
    await signalled;
  }
  logger.info({ msg: 'stopping; Pods run on' });
  setTimeout(() => process.exit(1), STOP_MS).unref();
  closing.abort();
  probes.close();
  await Promise.all([registration.untilStopped(), host?.stop(), events.stop()]);
  process.exit(0);
}

interface Parts {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly closing: AbortSignal;
}

function makeHost(config: ConfigOf<typeof flags>, installation: string, parts: Parts): PodHost {
  const { nodeName, runDir, logDir, subnet, agentEntry, cniDir, cniBinDir } = config;
  const secrets = new SecretVolumes(parts.client, config.secretDir);
  const network = new PodNetwork({ bridge: bridgeName(installation), subnet, dataDir: cniDir, binDir: cniBinDir });
  const machine = { cpus: cpus().length, memoryBytes: totalmem() };
  const facts = { nodeName, hostIp: gatewayOf(subnet), machine };
  return new PodHost(
    { ...parts, network, secrets, runDir, logDir, cgroup: cgroupName(installation), facts, agentEntry },
    installation,
  );
}

/** Waits for the API server, which may start later. @returns undefined when `signal` aborted before */
async function learnInstallation(client: KubeClient, logger: Logger, signal: AbortSignal): Promise<string | undefined> {
  while (!signal.aborted) {
    try {
      return await installationId(client, signal);
    } catch (error) {
      logger.warn({ msg: 'the API server does not answer yet', error: messageOf(error) });
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}

function serveProbes({ host, port }: Address, isReady: () => boolean, logger: Logger): Server {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const server = createServer((request, response) => {
    if (request.url === '/metrics') {
      void registry.metrics().then((text) => response.setHeader('content-type', registry.contentType).end(text));
      return;
    }
    const isLive = request.url === '/healthz' || request.url === '/livez';
    response.statusCode =
      isLive || (request.url === '/readyz' && isReady()) ? 200 : request.url === '/readyz' ? 503 : 404;
    response.end(response.statusCode === 200 ? 'ok\n' : 'not ready\n');
  });
  server.on('error', (error) => {
    logger.fatal({ msg: 'cannot serve probes', error: error.message });
    process.exit(1);
  });
  return server.listen(port, host);
}

/** Directs Nest's logger, which the libraries use, to pino. */
function logThrough(logger: Logger): void {
  const at =
    (level: 'info' | 'warn' | 'error' | 'debug') =>
    (message: unknown, context?: unknown): void => {
      logger[level]({ context, ...(typeof message === 'string' ? { msg: message } : Object(message)) });
    };
  NestLogger.overrideLogger({ log: at('info'), warn: at('warn'), error: at('error'), debug: at('debug') });
}
