// A session with the TypeScript SDK's second major version.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { capabilities, run, user } from './session.mjs';

await run(async (era, { url, command, args }) => {
  const mode = era === 'modern' ? { pin: '2026-07-28' } : era;
  const client = new Client({ name: 'fairlead-test', version: '1' }, { capabilities, versionNegotiation: { mode } });
  if (capabilities.elicitation) client.setRequestHandler('elicitation/create', user);
  await client.connect(
    url ? new StreamableHTTPClientTransport(new URL(url)) : new StdioClientTransport({ command, args, stderr: 'inherit' }),
  );
  return { client, version: () => client.getNegotiatedProtocolVersion() };
});
