import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type AgentProcess } from '../../../../test/support/agent-process';
import { buildLinkedImage } from './test-images';

export const PROBER_IMAGE = 'docker.io/fsb/prober:latest';
const SOURCES = resolve(__dirname, 'prober');

/** Builds the prober. @returns path of the static program, in the agent's folder */
export function buildProber(agent: AgentProcess): string {
  const prober = agent.path('prober');
  const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'));
  execFileSync('gcc', ['-std=gnu11', '-Os', '-static', '-o', prober, ...sources.map((name) => join(SOURCES, name))]);
  return prober;
}

/** Imports an image of busybox and /prober. */
export function importProber(agent: AgentProcess): void {
  const archive = agent.path('prober.tar');
  buildLinkedImage({ name: PROBER_IMAGE, links: {}, programs: { prober: buildProber(agent) } }, archive);
  execFileSync('ctr', ['-a', agent.containerd.socket, '-n', 'k8s.io', 'images', 'import', archive]);
}
