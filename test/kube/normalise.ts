import { isJson, type Json } from '../../apps/standalone/src/apiserver/kube-object';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const NEAR_MS = 3_600_000;
const AGE = /^\d+[smhd](\d+[smh])?$/;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/**
 * Normalises the answers of one server, so that the remaining differences are differences in behaviour: uids become the
 * name of their object, versions their order within the object, current times and generated names placeholders.
 */
export class Normaliser {
  private readonly uids = new Map<string, string>();
  private readonly versions = new Map<string, string[]>();

  normalise(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.normalise(item));
    if (isJson(value)) return this.object(value);
    return typeof value === 'string' ? this.text(value) : value;
  }

  private object(value: Json): Json {
    const { uid, name } = value;
    if (typeof uid === 'string' && typeof name === 'string' && !this.uids.has(uid)) this.learn(uid, name);
    const isSaid = ([key, item]: [string, unknown]): boolean => key !== 'continue' || item !== ''; // empty means absent
    const entries = Object.entries(value)
      .filter(isSaid)
      .map(([key, item]): [string, unknown] => {
        if (key === 'resourceVersion' && typeof item === 'string') return [key, this.version(value['uid'], item)];
        if (key === 'continue') return [key, '<token>'];
        return [key, this.normalise(item)];
      });
    return Object.fromEntries(entries);
  }

  /**
   * Numbers an object's versions from 1 in the order of their appearance, so that a new version after a write can be
   * compared.
   */
  private version(uid: unknown, version: string): string {
    if (typeof uid !== 'string' || !/^\d+$/.test(version)) return '<version>';
    const known = this.versions.get(uid) ?? [];
    this.versions.set(uid, known);
    if (!known.includes(version)) known.push(version);
    return `<version ${known.indexOf(version) + 1}>`;
  }

  private text(value: string): string {
    if (TIME.test(value) && Math.abs(Date.parse(value) - Date.now()) < NEAR_MS) {
      return value.includes('.') ? '<time with fraction>' : '<time>';
    }
    if (AGE.test(value)) return '<age>';
    const plain = value.replace(UUID, (uid) => this.uid(uid)).replace(/\bgen-[a-z0-9]{5}\b/g, 'gen-<random>');
    return /resource ?version/i.test(plain) ? plain.replace(/\b\d+\b/g, '<number>') : plain;
  }

  private learn(uid: string, name: string): void {
    const same = [...this.uids.values()].filter((known) => known.startsWith(`<uid of ${name},`)).length;
    this.uids.set(uid, `<uid of ${name}, ${same + 1}>`);
  }

  private uid(uid: string): string {
    return this.uids.get(uid) ?? '<uid>';
  }
}

export interface Difference {
  /** dotted path, as in `body.spec.containers.0.image` */
  readonly path: string;
  readonly ours: unknown;
  readonly real: unknown;
}

export function differences(ours: unknown, real: unknown, path = ''): Difference[] {
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (Array.isArray(ours) && Array.isArray(real) && ours.length === real.length) {
    return ours.flatMap((item, index) => differences(item, real[index], below(String(index))));
  }
  if (isJson(ours) && isJson(real)) {
    const keys = new Set([...Object.keys(ours), ...Object.keys(real)]);
    return [...keys].flatMap((key) => differences(ours[key], real[key], below(key)));
  }
  return JSON.stringify(ours) === JSON.stringify(real) ? [] : [{ path, ours, real }];
}
