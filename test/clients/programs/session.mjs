// What the two TypeScript client programs share: see README.md, “Programs”.
import { createInterface } from 'node:readline';

// user answers a form from FAIRLEAD_TEST_ANSWERS, a JSON object by field. Without
// it the client declares that it has nobody to ask.
const answers = process.env.FAIRLEAD_TEST_ANSWERS && JSON.parse(process.env.FAIRLEAD_TEST_ANSWERS);
export const capabilities = answers ? { elicitation: {} } : {};
export const user = ({ params }) => {
  const fields = Object.keys(params.requestedSchema.properties).filter((name) => name in answers);
  return { action: 'accept', content: Object.fromEntries(fields.map((name) => [name, answers[name]])) };
};

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

// run connects, answers one step per line of standard input and ends the process.
// connect(target) → {client, version}; target is {url} or {command, args}.
export async function run(connect) {
  const [era, ...rest] = process.argv.slice(2);
  const target = rest[0] === 'stdio' ? { command: rest[1], args: rest.slice(2) } : { url: rest[0] };
  let session;
  try {
    session = await connect(era, target);
  } catch (e) {
    say({ error: { code: e.code, message: String(e.message ?? e) } });
    process.exit(1);
  }
  const { client, version } = session;
  say({ protocolVersion: version(), serverInfo: client.getServerVersion() });
  const methods = {
    'tools/list': (p) => client.listTools(p),
    'tools/call': (p) => client.callTool(p),
    'prompts/list': (p) => client.listPrompts(p),
    'prompts/get': (p) => client.getPrompt(p),
    'resources/list': (p) => client.listResources(p),
    'resources/templates/list': (p) => client.listResourceTemplates(p),
    'resources/read': (p) => client.readResource(p),
    ping: () => client.ping(),
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const { method, params } = JSON.parse(line);
    try {
      say({ result: await methods[method](params) });
    } catch (e) {
      say({ error: { code: e.code, message: String(e.message ?? e) } });
    }
  }
  await client.close();
  process.exit(0);
}
