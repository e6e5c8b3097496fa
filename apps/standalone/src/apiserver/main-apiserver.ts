import { readFile } from 'node:fs/promises';
import { address, type ConfigOf, duration, flag, loadConfig, wholeNumber } from '@fsb/component-base/config';
import { auditFlags, auditProblems } from '@fsb/component-base/audit/audit-flags';
import { AuditLog } from '@fsb/component-base/audit/audit-log';
import { openTarget } from '@fsb/component-base/audit/audit-target';
import { type Logger, pino } from 'pino';
import { z } from 'zod';
import { RequestAudit } from './audit/request-audit';
import { Authorization } from './auth/authorization';
import { GarbageCollector } from './garbage/garbage-collector';
import { ApiServer } from './http/api-server';
import { discoveryDocuments } from './http/discovery';
import { InFlight } from './http/in-flight';
import { PodLogs } from './http/pod-logs';
import { ResourceRoutes } from './http/resource-routes';
import { OpenApiRoutes } from './openapi/open-api-routes';
import { BUILT_IN } from './resources/built-in';
import { loadCustomResources } from './resources/custom';
import { ResourceRest } from './rest/resource-rest';
import { compileSchema } from './rest/schema-check';
import { Scheduler } from './scheduler/scheduler';
import { StatusError } from './status-error';
import { Storage } from './store/storage';
import { Store } from './store/store';

const path = (): z.ZodString => z.string().min(1, 'must not be empty');

const flags = {
  bindAddress: flag(address().default({ host: '127.0.0.1', port: 6443 }), 'Address of the API, HTTPS'),
  db: flag(path(), 'Folder of the LevelDB that holds the objects'),
  tlsCertFile: flag(path(), 'Certificate of the server, PEM'),
  tlsKeyFile: flag(path(), 'Private key of the server, PEM'),
  tokenFile: flag(path(), 'JSON list of {token, user, role}, with namespaces where the role is limited to some'),
  crds: flag(path().default('k8s/crds'), 'Folder of CustomResourceDefinitions to serve'),
  podLogDir: flag(
    path().default('/var/log/fast-sandbox/pods'),
    'Folder in which the node writes <pod uid>/<container>/<n>.log',
  ),
  maxRequestsInflight: flag(
    wholeNumber(2, 100_000).default(400),
    'Concurrent requests, watches and followed logs excluded. A user may hold half of the free ones; more get 429',
  ),
  maxWatches: flag(
    wholeNumber(2, 100_000).default(512),
    'Concurrent watches and followed logs. A user may hold half of the free ones; more get 429',
  ),
  stallTimeout: flag(
    duration().default(30_000),
    'Time after which a client that reads nothing of an answer or a watch is disconnected',
  ),
  ...auditFlags,
  v: flag(wholeNumber(0, 99).default(0), 'Log detail', 'LOG_VERBOSITY'),
};
const description = {
  name: 'apiserver',
  description: 'Serves, on one machine, the part of the Kubernetes API that Fast Sandbox and kubectl use.',
};

const SEEDED = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
/** Longest time from SIGTERM to exit. */
const SHUTDOWN_MS = 10_000;

/** Serves until SIGTERM or SIGINT. After a crash at any moment every acknowledged write is there again. */
export async function runApiserver(argv: readonly string[]): Promise<void> {
  const config = loadConfig(description, flags, argv, process.env, auditProblems);
  const logger = pino({
    level: config.v > 0 ? 'debug' : 'info',
    base: { service: description.name, pid: process.pid },
  });
  const stop = await start(config, logger);
  const { host, port } = config.bindAddress;
  logger.info({ msg: 'serving', https: `${host}:${port}` });
  const signal = await new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  logger.info({ msg: 'stopping', signal });
  setTimeout(() => process.exit(1), SHUTDOWN_MS).unref();
  await stop();
}

/** @returns stops the server and its parts in order */
async function start(config: ConfigOf<typeof flags>, logger: Logger): Promise<() => Promise<void>> {
  const tls = { cert: await readFile(config.tlsCertFile), key: await readFile(config.tlsKeyFile) };
  const authorization = Authorization.fromFile(config.tokenFile, logger);
  const resources = [...BUILT_IN, ...(await loadCustomResources(config.crds))];
  resources.forEach(compileSchema);
  const store = await Store.open(await Storage.open(config.db));
  const rests = resources.map((resource) => new ResourceRest(store, resource));
  const rest = (plural: string): ResourceRest => {
    const found = rests.find(({ resource }) => resource.group === '' && resource.plural === plural);
    if (!found) throw new Error(`${plural} is a built-in resource`);
    return found;
  };
  await seedNamespaces(rest('namespaces'));
  const collector = new GarbageCollector(store, rests);
  const scheduler = new Scheduler(rest('pods'), rest('nodes'));
  const routes = new ResourceRoutes(new PodLogs(config.podLogDir), {
    maxWatches: config.maxWatches,
    stallMs: config.stallTimeout,
  });
  const documents = discoveryDocuments(resources);
  const audit =
    config.auditLogPath === ''
      ? undefined
      : new RequestAudit(new AuditLog({ target: await openTarget(config), logger }));
  const server = new ApiServer(tls, {
    rests,
    routes,
    authorization,
    documents,
    audit,
    openApi: new OpenApiRoutes(resources),
    requests: new InFlight('requests', config.maxRequestsInflight),
    stallMs: config.stallTimeout,
    logger,
  });
  collector.start();
  scheduler.start();
  await server.listen(config.bindAddress);
  return async () => {
    await server.stop();
    await audit?.close();
    await scheduler.stop();
    await collector.stop();
    await store.close();
  };
}

async function seedNamespaces(namespaces: ResourceRest): Promise<void> {
  for (const name of SEEDED) {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await namespaces.create('', body, { fieldValidation: 'Strict', dryRun: false }).catch((error: unknown) => {
      if (!(error instanceof StatusError && error.reason === 'AlreadyExists')) throw error;
    });
  }
}
