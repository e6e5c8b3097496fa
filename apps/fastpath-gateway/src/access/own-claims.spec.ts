import { tokenRefusal } from './own-claims';

const jwt = (claims: object): string =>
  ['e30', Buffer.from(JSON.stringify(claims)).toString('base64url'), 'x'].join('.');
const ISSUER = 'https://kubernetes.default.svc';
const NOW = 1_700_000_000_000;
const soon = NOW / 1000 + 60;

describe('whyNoToken', () => {
  it.each([
    ['any text, where no issuer is known', 'text', [], undefined],
    ['any text, where one is', 'text', [ISSUER], /no JWT/],
    ['text with dots', 'a.b.c', [ISSUER], /no JWT/],
    ['a JWT of another issuer', jwt({ iss: 'https://other', exp: soon }), [ISSUER], /another issuer/],
    ['a JWT without an issuer', jwt({ exp: soon }), [ISSUER], /another issuer/],
    ['a JWT of the issuer', jwt({ iss: ISSUER, exp: soon }), [ISSUER], undefined],
    ['one that has expired', jwt({ iss: ISSUER, exp: NOW / 1000 - 61 }), [ISSUER], /expired/],
    ['one that has expired, of any issuer', jwt({ exp: NOW / 1000 - 61 }), [], /expired/],
    ['one that expired within the skew of clocks', jwt({ exp: NOW / 1000 - 30 }), [], undefined],
    ['a JWT of null', ['e30', 'bnVsbA', 'x'].join('.'), [], undefined],
  ])('judges %s', (_what, token, issuers, why) => {
    const said = tokenRefusal(token, issuers, NOW);
    if (why) expect(said).toMatch(why);
    else expect(said).toBeUndefined();
  });
});
