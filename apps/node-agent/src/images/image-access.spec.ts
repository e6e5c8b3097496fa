import { credentialsHash, type PullRecord } from '@fsb/containerd/pull-record';
import { type ImageRequester, isAllowed, type VerificationPolicy } from './image-access';

const DIGEST = 'sha256:1';
const AUTH = { username: 'me', password: 'pw' };
const LOADED: PullRecord = { isPulled: false, isPublic: false, proofs: [] };
const UNPROVEN: PullRecord = { ...LOADED, isPulled: true };
const PUBLIC: PullRecord = { ...UNPROVEN, isPublic: true };
const OF_A: PullRecord = { ...UNPROVEN, proofs: [{ namespace: 'a', credentials: credentialsHash(DIGEST, AUTH) }] };

it.each<[string, PullRecord, VerificationPolicy, ImageRequester, boolean]>([
  ['loaded', LOADED, 'NeverVerifyPreloadedImages', { namespace: 'b', auth: undefined }, true],
  ['loaded', LOADED, 'AlwaysVerify', { namespace: 'b', auth: undefined }, false],
  ['public', PUBLIC, 'AlwaysVerify', { namespace: 'b', auth: undefined }, true],
  ['public', PUBLIC, 'NeverVerifyPreloadedImages', { namespace: 'b', auth: { ...AUTH, password: 'odd' } }, true],
  ['unproven', UNPROVEN, 'NeverVerifyPreloadedImages', { namespace: 'a', auth: undefined }, false],
  ['unproven', UNPROVEN, 'NeverVerify', { namespace: 'a', auth: undefined }, true],
  ['pulled by a', OF_A, 'NeverVerifyPreloadedImages', { namespace: 'a', auth: undefined }, true],
  ['pulled by a', OF_A, 'NeverVerifyPreloadedImages', { namespace: 'a', auth: AUTH }, true],
  [
    'pulled by a',
    OF_A,
    'NeverVerifyPreloadedImages',
    { namespace: 'a', auth: { ...AUTH, password: 'changed' } },
    false,
  ],
  ['pulled by a', OF_A, 'NeverVerifyPreloadedImages', { namespace: 'b', auth: undefined }, false],
  ['pulled by a', OF_A, 'NeverVerifyPreloadedImages', { namespace: 'b', auth: AUTH }, true],
  ['pulled by a', OF_A, 'NeverVerifyPreloadedImages', { namespace: 'b', auth: { ...AUTH, username: 'you' } }, false],
])('mayHave: %s image (%j), %s, for %j: %s', (_, record, policy, asker, expected) => {
  expect(isAllowed(record, policy, DIGEST, asker)).toBe(expected);
});
