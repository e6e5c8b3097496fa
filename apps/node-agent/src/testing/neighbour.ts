import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../../../test/support/eventually';
import { NEIGHBOUR_PORTS, type SecurityScene } from './security-scene';

export interface Beats {
  readonly count: number;
  readonly failed: number;
  /** median of a beat in ms: a program run, a file written, a request answered */
  readonly p50: number;
}

/** A sandbox that works in a loop and prints how long each beat took. */
export class Neighbour {
  private constructor(private readonly scene: SecurityScene) {}

  static async start(scene: SecurityScene): Promise<Neighbour> {
    const command = ['/prober', 'beat', String(NEIGHBOUR_PORTS[0])];
    await scene.create('neighbour', 'cold', { command, ports: [...NEIGHBOUR_PORTS] });
    await eventually(() => scene.log('neighbour').includes('\n'));
    return new Neighbour(scene);
  }

  async during(ms: number): Promise<Beats> {
    const before = this.scene.log('neighbour').length;
    await sleep(ms);
    const lines = this.scene.log('neighbour').slice(before).split('\n').slice(1, -1); // the first and the last may be cut
    const times = lines.map(Number).filter((time) => !Number.isNaN(time));
    const p50 = times.sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? Infinity;
    return { count: times.length, failed: lines.length - times.length, p50 };
  }
}
