import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { type AgentErrorCode, httpOfAgentCode } from '@fsb/api/agent-codes';
import { ApiError, type ErrorCode } from '@fsb/api/errors';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { AdmissionError } from '../sandboxes/admission-error';

const AGENT_PREFIX = '/api/v1/agent/';

type Failure = Pick<CreateSandboxResponse, 'code' | 'message' | 'free' | 'deleted'> & { status: number };

/**
 * Answers every failure of the agent's API with the body of a create's answer, as the Go predecessor does, and the HTTP
 * status of its code. Also for requests that reach no controller. Probes keep their own answers.
 */
@Catch()
export class AgentErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(AgentErrorFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    if (error instanceof HttpException && !http.getRequest<FastifyRequest>().url.startsWith(AGENT_PREFIX)) {
      void reply.status(error.getStatus()).send(error.getResponse());
      return;
    }
    const { status, ...failure } = this.failureOf(error);
    const body: CreateSandboxResponse = { success: false, sandboxId: '', createdAt: 0, ...failure };
    void reply.status(status).send(body);
  }

  private failureOf(error: unknown): Failure {
    if (error instanceof AdmissionError) {
      const { refusal, message, free, deleted } = error;
      return {
        status: httpOfAgentCode(refusal.code),
        code: refusal.code,
        message,
        free,
        ...(deleted ? { deleted } : {}),
      };
    }
    if (error instanceof HttpException) {
      return { status: error.getStatus(), code: 'invalid_argument', message: error.message };
    }
    if (error instanceof ApiError) return this.logged(ofApiError(error));
    this.logger.error({ msg: 'unexpected failure', err: error });
    return { status: 500, code: 'internal', message: "internal error; the agent's log says more" };
  }

  /** Logs a failure that is not the caller's fault. */
  private logged(failure: Failure): Failure {
    if (failure.status >= 500) this.logger.warn({ msg: 'a call failed', code: failure.code, error: failure.message });
    return failure;
  }
}

function ofApiError({ code, message }: ApiError): Failure {
  const agentCode = agentCodeOf(code, message);
  return { status: httpOfAgentCode(agentCode), code: agentCode, message };
}

function agentCodeOf(code: ErrorCode, message: string): AgentErrorCode {
  switch (code) {
    case 'invalid_argument':
      return 'invalid_argument';
    case 'not_found':
      return notFoundCode(message);
    case 'failed_precondition':
      return message.startsWith('log:') ? 'log_removed' : 'image_faulty';
    case 'unavailable':
    case 'deadline_exceeded':
      return 'unavailable';
    default:
      return 'internal';
  }
}

/** The code of a not_found error, by the subject that begins its message. */
function notFoundCode(message: string): AgentErrorCode {
  if (message.startsWith('command:')) return 'command_not_found';
  if (message.startsWith('imagePullPolicy:')) return 'image_never_pull';
  return message.startsWith('sandbox:') ? 'sandbox_not_found' : 'image_not_found';
}
