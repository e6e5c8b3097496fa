import {
  type AgentCode,
  allowsAnotherAgent,
  errorOfAgentCode,
  httpOfAgentCode,
  isFinal,
  isRefusal,
} from './agent-codes';
import { type ErrorCode } from './errors';

type Kind = 'elsewhere' | 'newer' | 'never' | 'failed';

function kindOf(code: AgentCode | undefined): Kind {
  if (allowsAnotherAgent(code)) return 'elsewhere';
  if (isRefusal(code)) return 'newer';
  return isFinal(code) ? 'never' : 'failed';
}

it.each<[AgentCode, number, ErrorCode, Kind]>([
  ['slots_full', 409, 'resource_exhausted', 'elsewhere'],
  ['port_taken', 409, 'resource_exhausted', 'elsewhere'],
  ['memory_full', 409, 'resource_exhausted', 'elsewhere'],
  ['storage_full', 409, 'resource_exhausted', 'elsewhere'],
  ['draining', 409, 'unavailable', 'elsewhere'],
  ['other_agent', 409, 'unavailable', 'elsewhere'],
  ['stale_generation', 409, 'aborted', 'newer'],
  ['invalid_argument', 400, 'invalid_argument', 'never'],
  ['image_not_found', 404, 'not_found', 'never'],
  ['image_never_pull', 404, 'not_found', 'never'],
  ['command_not_found', 404, 'not_found', 'never'],
  ['image_faulty', 412, 'failed_precondition', 'never'],
  ['sandbox_not_found', 404, 'not_found', 'failed'],
  ['log_removed', 410, 'failed_precondition', 'failed'],
  ['internal', 500, 'internal', 'failed'],
  ['unavailable', 503, 'unavailable', 'failed'],
])('agent codes: %s is HTTP %d, %s to the caller, and of the kind %s', (code, http, error, kind) => {
  expect([httpOfAgentCode(code), errorOfAgentCode(code), kindOf(code)]).toEqual([http, error, kind]);
  expect(isRefusal(code)).toBe(http === 409);
});

it.each([undefined, 'of a later agent' as string as AgentCode])(
  'agent codes: %s is a failure, and internal to the caller',
  (code) => {
    expect([errorOfAgentCode(code), kindOf(code)]).toEqual(['internal', 'failed']);
  },
);
