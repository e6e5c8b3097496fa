import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { countRun } from '../support/run-count';
import { type FleetOptions, runFleet } from './fleet/fleet-main';
import { tables } from './report';
import { settingsOf } from './settings';
import { Simulation } from './simulation';
import { Cluster } from './stack/cluster';

/** `main.js` measures; `main.js fleet OPTIONS` runs the simulated agents, as a child of the former. */
async function main([what, options]: readonly string[]): Promise<void> {
  if (what === 'fleet') {
    await runFleet(JSON.parse(options ?? '') as FleetOptions); // written by Fleet.start
    return;
  }
  const settings = settingsOf(process.env);
  const started = performance.now();
  const say = (text: string): void => {
    console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(5)} s  ${text}`);
  };
  const cluster = await Cluster.start(settings);
  process.once('SIGINT', () => void cluster.stop().then(() => process.exit(130)));
  try {
    const simulation = new Simulation(cluster, settings, say);
    const result = await simulation.run().finally(() => {
      simulation.close();
    });
    const out = resolve(settings.out);
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, `${JSON.stringify(result, undefined, 2)}\n`);
    console.log(`\n${tables(result)}\nfigures: ${settings.out}`);
    countRun(true);
  } finally {
    await cluster.stop();
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  countRun(false);
  process.exitCode = 1;
});
