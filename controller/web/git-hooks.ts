// POST /hooks/git/<namespace>/<name>: where a Git host says that somebody has pushed.
import type { FastifyInstance } from 'fastify';
import type { Hook, HookAnswer } from '../fleet/webhook.ts';

export type HookReceiver = (hook: Hook, signal: AbortSignal) => Promise<HookAnswer>;

const maximumBodyBytes = 5 * 2 ** 20;
const answerMilliseconds = 10_000;

export function registerGitHooks(app: FastifyInstance, receive: HookReceiver): void {
  // A scope of its own: the signature is over the bytes, which no parser may have touched.
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maximumBodyBytes }, (_request, body, done) =>
      done(null, body),
    );
    scope.post<{ Params: { namespace: string; name: string } }>('/hooks/git/:namespace/:name', async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const hook = { ...request.params, headers: request.headers, body };
      const answer = await receive(hook, AbortSignal.timeout(answerMilliseconds));
      if (answer === 'accepted') return reply.code(202).send({ accepted: true });
      return reply.code(401).send({
        error: 'there is no such fleet, or the signature is wrong',
        next: 'give the Git host the same secret as "token" in the Secret that spec.webhookSecretName names',
      });
    });
  });
}
