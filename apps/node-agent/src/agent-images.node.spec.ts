import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { eventually } from '../../../test/support/eventually';
import { AgentProcess } from '../../../test/support/agent-process';
import { buildLinkedImage, CACHE, type HostileImage, TestRegistry } from './testing/test-images';

describe('node-agent: images', () => {
  let agent: AgentProcess;
  let registry: TestRegistry;

  beforeAll(async () => {
    agent = await AgentProcess.start('images', { pull: 'true' });
    registry = await TestRegistry.start();
  }, 120_000);

  afterAll(async () => {
    registry.stop();
    await agent.stop();
  }, 60_000);

  const logOf = (id: string) => readFileSync(agent.path('logs', `${id}.log`), 'utf8');
  const importArchive = (archive: string) =>
    execFileSync('ctr', ['-a', agent.containerd.socket, '-n', 'k8s.io', 'images', 'import', archive]);

  describe('from a registry', () => {
    const secret = (password: string) => ({ pullSecrets: [{ host: registry.host, username: 'me', password }] });
    const wanted = (tag: string, password = 'pw') => ({
      ...{ image: `${registry.host}/team/app:${tag}`, command: ['/bin/true'] },
      ...secret(password),
    });

    it('need credentials', async () => {
      for (const more of [wanted('private', 'guess'), { ...wanted('private'), pullSecrets: [] }]) {
        const answer = await agent.create('denied', more);
        expect(answer).toMatchObject({ status: 404, body: { success: false, code: 'image_not_found' } });
      }
      expect((await agent.status()).sandboxStatuses).toEqual([]);
    });

    it('leave no sandbox where all callers leave during the pull', async () => {
      registry.hold();
      const leave = new AbortController();
      const create = agent.create('left', wanted('slow'), leave.signal);
      create.catch(() => undefined); // aborted below
      await eventually(async () => (await agent.of('left'))?.phase === 'creating');
      await eventually(() => registry.requests.some((line) => line.includes('/manifests/slow')));
      leave.abort();
      await eventually(async () => (await agent.status()).sandboxStatuses.length === 0);
      expect((await agent.status()).allocated).toBe(0);
      registry.release();
      await eventually(async () => (await agent.status()).images?.includes(`${registry.host}/team/app:slow`));
    });

    it('are pulled once for two concurrent creates, and both run', async () => {
      registry.requests.length = 0;
      registry.hold();
      const both = ['pull-1', 'pull-2'].map((id) => agent.create(id, wanted('shared')));
      await eventually(async () => (await agent.status()).sandboxStatuses.length === 2);
      await eventually(() => registry.requests.some((line) => line.startsWith('HEAD') && line.includes('/shared')));
      registry.release();
      expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200]);
      expect(registry.requests.filter((line) => line.startsWith('HEAD'))).toHaveLength(1);
      const lines = readFileSync(agent.logText, 'utf8');
      expect(lines.match(/"msg":"pulled","image":"[^"]*:shared"/g)).toHaveLength(1);
      expect(lines).not.toMatch(/"pw"/);
    });

    it('do not abort a create whose caller leaves when the image is there', async () => {
      const leave = new AbortController();
      const create = agent.create('gone-caller', { command: ['/bin/sleep', '100'] }, leave.signal);
      create.catch(() => undefined); // aborted below
      await eventually(() => agent.of('gone-caller'), 5000, 1);
      leave.abort();
      await eventually(async () => (await agent.of('gone-caller'))?.phase === 'running');
    });
  });

  describe('that are hostile', () => {
    const OUT = '../../../../../../../../../../..';
    async function run(image: HostileImage, more: object): Promise<Awaited<ReturnType<AgentProcess['create']>>> {
      const archive = agent.path(`${image.name.replace(/\W/g, '-')}.tar`);
      buildLinkedImage(image, archive);
      importArchive(archive);
      return agent.create(image.name.replace(/\W/g, '-'), { image: image.name, ...more });
    }

    it.each([`${OUT}/etc/passwd`, '/etc/passwd'])('do not read the host by /etc/passwd -> %s', async (target) => {
      const name = `hostile.test/passwd:${target === '/etc/passwd' ? 'loop' : 'relative'}`;
      // daemon is in the passwd of every Debian host, and not in the image
      const answer = await run({ name, links: { 'etc/passwd': target }, user: 'daemon' }, { command: ['/bin/true'] });
      expect(answer).toMatchObject({ status: 412, body: { code: 'image_faulty' } });
      expect(answer.body.message).toMatch(/USER "daemon"/);
    });

    it('may link within themselves, with absolute links resolved in their own root', async () => {
      const links = { 'etc/passwd': '/etc/real-passwd' };
      const answer = await run(
        { name: 'hostile.test/inside:1', links, user: 'inside' },
        { command: ['/bin/id', '-u'] },
      );
      expect(answer.status).toBe(200);
      await agent.ended('hostile-test-inside-1');
      expect(logOf('hostile-test-inside-1')).toBe('1234\n');
    });

    it('do not run a command that is a link to a program of the host', async () => {
      const links = { 'bin/evil': `${OUT}/usr/bin/env`, 'bin/worse': '/proc/self/root/usr/bin/env' };
      const image = { name: 'hostile.test/command:1', links };
      for (const command of ['evil', '/bin/worse', `${OUT}/usr/bin/env`]) {
        expect(await run(image, { command: [command] })).toMatchObject({
          status: 404,
          body: { code: 'command_not_found' },
        });
      }
    });

    it('do not leave their root by a working folder, or a mount point, that is a link', async () => {
      const links = { work: `${OUT}/root`, 'etc/hosts': `${OUT}/var/tmp/fsb-hostile-hosts`, run: `${OUT}/var/tmp` };
      const image = { name: 'hostile.test/workdir:1', links, workingDir: '/work' };
      const answer = await run(image, { command: ['/bin/sh', '-c', 'pwd -P; cat /etc/os-release'] });
      if (answer.status === 200) {
        await agent.ended('hostile-test-workdir-1');
        expect(logOf('hostile-test-workdir-1')).not.toMatch(/Debian/);
      } else expect(answer.body.success).toBe(false);
      const found = execFileSync('find', ['/var/tmp', '-maxdepth', '1', '-name', 'fsb-hostile-*'], {
        encoding: 'utf8',
      });
      expect(found).toBe('');
    });
  });

  it('of Debian let apt-get install packages inside', async () => {
    const archive = join(CACHE, 'debian-test.tar');
    try {
      execFileSync(resolve(__dirname, 'testing/debian-image.sh'), [archive], { stdio: 'pipe', timeout: 240_000 });
    } catch (error) {
      console.warn(`SKIPPED, apt-get inside a Debian was not tried: no Debian image could be made: ${String(error)}`);
      return;
    }
    importArchive(archive);
    const script = [
      'set -e',
      'export DEBIAN_FRONTEND=noninteractive',
      'apt-get install -y /debs/*.deb 2>&1 || { echo FAILED; exit 1; }',
      'dpkg --audit',
      'stat -c "%A %U %G %n" /usr/bin/sudo /usr/bin/plocate',
      'ldconfig -p | grep -c liburing',
      'getent group plocate | cut -d: -f1',
      'useradd -m someone; su someone -c "id -un; touch ~/file"',
      'chown someone:plocate /tmp; ls -ld /tmp | cut -c1-10',
    ].join('\n');
    const answer = await agent.create('debian', { image: 'debian-test', command: ['/bin/bash', '-c', script] });
    expect(answer).toMatchObject({ status: 200 });
    const ended = await agent.ended('debian', 90_000);
    const output = logOf('debian');
    expect(output).toMatch(/Processing triggers for libc-bin/);
    expect(output).toMatch(/-rwsr-xr-x root root \/usr\/bin\/sudo/);
    expect(output).toMatch(/-rwxr-sr-x root plocate \/usr\/bin\/plocate/);
    expect(output).toMatch(/\nplocate\nsomeone\ndrwxrwxrwt\n$/);
    expect(ended.exitCode).toBe(0);
  }, 360_000);
});
