import { pullSecretsOf } from './pull-secrets';

const secret = (text: string) => ({
  metadata: { name: 'regcred' },
  data: { '.dockerconfigjson': Buffer.from(text).toString('base64') },
});
const me = { username: 'me', password: 'a:b' };

describe('pullSecretsOf', () => {
  it.each([
    ['plain', { 'ghcr.io': me }, [{ host: 'ghcr.io', ...me }]],
    [
      'encoded',
      { 'ghcr.io:5000': { auth: Buffer.from('me:a:b').toString('base64') } },
      [{ host: 'ghcr.io:5000', ...me }],
    ],
    ["docker's own", { 'https://index.docker.io/v1/': me }, [{ host: 'docker.io', ...me }]],
    ['without credentials', { 'ghcr.io': {} }, []],
  ])('reads %s', (_what, auths, expected) => {
    expect(pullSecretsOf(secret(JSON.stringify({ auths })))).toEqual(expected);
  });

  it.each([
    ['another shape', '{"ghcr.io":{"password":"hunter2"}}'],
    ['no JSON', 'hunter2'],
  ])('refuses %s, and quotes nothing of it', (_what, text) => {
    let message = '';
    try {
      pullSecretsOf(secret(text));
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/secret "regcred"/);
    expect(message).not.toMatch(/hunter/);
  });

  it('names the key that is missing', () => {
    expect(() => pullSecretsOf({ metadata: { name: 'regcred' } })).toThrow(/\.dockerconfigjson/);
  });
});
