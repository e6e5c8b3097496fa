import { pullSecretsOf } from './pull-secrets';

const secret = (text: string) => ({
  metadata: { name: 'regcred' },
  data: { '.dockerconfigjson': Buffer.from(text).toString('base64') },
});
const me = { username: 'me', password: 'a:b' };

describe('pullSecretsOf', () => {
  it.each([
    ['plain credentials', { 'ghcr.io': me }, [{ host: 'ghcr.io', ...me }]],
    [
      'encoded credentials',
      { 'ghcr.io:5000': { auth: Buffer.from('me:a:b').toString('base64') } },
      [{ host: 'ghcr.io:5000', ...me }],
    ],
    ['Docker Hub', { 'https://index.docker.io/v1/': me }, [{ host: 'docker.io', ...me }]],
    ['an entry without credentials', { 'ghcr.io': {} }, []],
  ])('reads %s', (_what, auths, expected) => {
    expect(pullSecretsOf(secret(JSON.stringify({ auths })))).toEqual(expected);
  });

  it.each([
    ['another shape', '{"ghcr.io":{"password":"hunter2"}}'],
    ['no JSON', 'hunter2'],
  ])('refuses %s without quoting it', (_what, text) => {
    let message = '';
    try {
      pullSecretsOf(secret(text));
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/secret "regcred"/);
    expect(message).not.toMatch(/hunter/);
  });

  it('names the missing key', () => {
    expect(() => pullSecretsOf({ metadata: { name: 'regcred' } })).toThrow(/\.dockerconfigjson/);
  });
});
