// The embedded control plane as a process of its own, for tests that kill it: `node standalone-process.ts DIRECTORY [PORT]`.
import { pino } from 'pino';
import { startServer } from '../../standalone/server.ts';

const [dataDirectory, port = '0'] = process.argv.slice(2);
if (dataDirectory === undefined) throw new Error('the data directory must be given');
const server = await startServer({ dataDirectory, port: Number(port), logger: pino({ level: 'silent' }) });
process.stdout.write(`${JSON.stringify(server.admin)}\n`);
