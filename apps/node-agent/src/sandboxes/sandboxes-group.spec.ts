import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeSandboxesGroup } from './sandboxes-group';

describe('makeSandboxesGroup', () => {
  let root: string;
  const make = (path: string, file: string, text: string): void => {
    mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, path, file), text);
  };
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');

  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'fsb-group-'))));
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  it("gives the group the agent's weight on cgroup v1", () => {
    make('cpu/pod/agent', 'cpu.shares', '512\n');
    make('cpu/pod/sandboxes', 'cpu.shares', '1024\n'); // the kernel makes the file with the folder
    expect(makeSandboxesGroup('/pod', '4:memory:/other\n2:cpu,cpuacct:/pod/agent\n0::/', root)).toBe('/pod/sandboxes');
    expect(read('cpu/pod/sandboxes/cpu.shares')).toBe('512');
  });

  it("gives the group the agent's weight on cgroup v2", () => {
    make('pod/agent', 'cpu.weight', '39\n');
    make('pod/sandboxes', 'cpu.weight', '100\n');
    expect(makeSandboxesGroup('/pod', '0::/pod/agent\n', root)).toBe('/pod/sandboxes');
    expect(read('pod/sandboxes/cpu.weight')).toBe('39');
  });

  it('leaves the group to the OCI runtime where there is no weight', () => {
    expect(makeSandboxesGroup('/pod', '2:cpu:/pod/gone\n0::/pod/gone', root)).toBe('/pod/sandboxes');
    expect(existsSync(join(root, 'cpu/pod'))).toBe(false);
    make('pod/agent', 'cpu.weight', '100\n');
    makeSandboxesGroup('/pod', '0::/pod/agent\n', root);
    expect(existsSync(join(root, 'pod/sandboxes/cpu.weight'))).toBe(false); // never made where the kernel has not
  });
});
