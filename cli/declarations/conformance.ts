// Servers held to a protocol.
import type { Command } from 'commander';

export function declareConformance(program: Command, signal: AbortSignal): void {
  program
    .command('oip-conformance')
    .description('check a server of the Open Inference Protocol v2 case by case, ours or any other')
    .argument('<url>', 'of the server, without /v2')
    .option('--grpc <host:port>', 'its gRPC address; without it those cases are skipped')
    .option('--model <names...>', 'models to ask; default: all that the server lists')
    .option('--ca <file>', 'PEM of the server’s own authority')
    .option('--token-file <file>', 'bearer token to send')
    .option('--unload', 'let it unload a model and load it again', false)
    .option('--strict', 'exit code 3 also for what the protocol leaves open', false)
    .option('--timeout <seconds>', 'of each request', '30')
    .option('--output <format>', 'text, json or markdown', 'text')
    .addHelpText(
      'after',
      '\nExit code 3 when a required case fails.\n\nExample:\n  jouleops oip-conformance http://127.0.0.1:8000 --grpc 127.0.0.1:8001',
    )
    .action(async (url, flags) => (await import('../commands/oip-conformance.ts')).oipConformance(url, flags, signal));
}
