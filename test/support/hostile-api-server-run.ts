/** Runs every kind of KubeClient call against an API server that fails in every way; prints one line of JSON. */
import { rmSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { readBody } from '@fsb/component-base/read-body';
import { AgentPki } from './agent-pki';
import { type Call, drive } from './hostile-run';
import { HostileServer } from './hostile-server';
import { type Kind } from '@fsb/controller-runtime/kinds';
import { KubeClient } from '@fsb/controller-runtime/kube-client';

const CALL_MS = 60;
const KIND: Kind = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
const KEY = { namespace: 'default', name: 'one' };
const WATCH = { resourceVersion: '1', timeoutSeconds: 60 };

function callsOf(client: KubeClient): Readonly<Record<string, Call>> {
  const options = (signal: AbortSignal): { signal: AbortSignal; deadlineMs: number } => ({
    signal,
    deadlineMs: CALL_MS,
  });
  return {
    get: (signal) => client.get(KIND, KEY, options(signal)),
    list: (signal) => client.list(KIND, {}, options(signal)),
    create: (signal) => client.create(KIND, { metadata: KEY }, options(signal)),
    patch: (signal) => client.patch(KIND, KEY, {}, options(signal)),
    delete: (signal) => client.delete(KIND, KEY, {}, options(signal)),
    'watch, read': async (signal) => readBody(await client.watch(KIND, WATCH, options(signal))),
    'watch, not read': (signal) => client.watch(KIND, WATCH, options(signal)),
  };
}

async function main(): Promise<void> {
  const pki = await AgentPki.make();
  const server = await HostileServer.start(await pki.agent('uid-1'), false);
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'hostile', server: `https://127.0.0.1:${server.port}`, skipTLSVerify: true },
    { name: 'caller', token: 'token' },
  );
  const client = new KubeClient(config);
  const left = await drive(server, callsOf(client));
  await client.close();
  const open = await server.closed();
  await server.stop();
  rmSync(pki.folder, { recursive: true });
  process.stdout.write(JSON.stringify({ ...left, open }));
}

void main();
