/** About src/server/chat.ts, src/datasets/tokenizer-files.ts, src/evals/tasks/template.ts */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { root } from '../support/run.js';
import { type FailureBody, served } from './served.js';

/** In the manner of published templates: blocks on lines of their own, a name that may not be there, a refusal. */
const TEMPLATE = `{%- if tools %}never{% endif -%}
{{ bos_token }}
{%- for message in messages %}
    {%- if loop.index0 == 0 and message.role == 'assistant' %}
        {{- raise_exception('The user begins.') }}
    {%- endif %}
    {{- message['role'] + ': ' + message['content'] | trim + ';' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- 'answer:' }}
{%- endif %}
`;

const fixtureTokenizer = join(root, 'fixtures', 'bpe-1024');
function tokenizerWith(files: Record<string, string>): string {
  const folder = temporaryFolder();
  copyFileSync(join(fixtureTokenizer, 'tokenizer.json'), folder.path('tokenizer.json'));
  for (const [name, text] of Object.entries(files)) folder.file(name, text);
  return folder.root;
}
const CONFIG = { bos_token: '<|endoftext|>', eos_token: '<|endoftext|>' };
const messages = [
  { role: 'system', content: ' Be brief. ' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'Who ' },
      { type: 'text', text: 'are you?' },
    ],
  },
];

interface Chat {
  choices: { message: { content: string } }[];
  duo_eval: { chat_template: boolean };
}

describe('a chat', () => {
  it.each([
    [
      'tokenizer_config.json',
      { 'tokenizer_config.json': JSON.stringify({ ...CONFIG, chat_template: TEMPLATE }) },
    ],
    [
      'chat_template.jinja',
      {
        'tokenizer_config.json': JSON.stringify({ ...CONFIG, chat_template: 'of the configuration' }),
        'chat_template.jinja': TEMPLATE,
      },
    ],
  ])('is a prompt by the template of %s', async (_, files) => {
    const { post, url } = await served('ar', { overrides: { tokenizer: tokenizerWith(files) } });
    const asked = { max_tokens: 12, seed: 5, temperature: 1 };
    const { body: chat, status } = await post('/v1/chat/completions', { ...asked, messages });
    expect(status).toBe(200);
    const { choices, duo_eval: facts } = chat as Chat;
    expect(facts.chat_template).toBe(true);
    const prompt = '<|endoftext|>system: Be brief.;user: Who are you?;answer:';
    const { body: text } = await post('/v1/completions', { ...asked, prompt });
    expect(choices[0].message.content).toBe((text as { choices: { text: string }[] }).choices[0].text);
    expect(await (await fetch(`${url}/tokenizer_info`)).json()).toMatchObject({ chat_template: TEMPLATE });

    const refused = await post('/v1/chat/completions', {
      ...asked,
      messages: [{ role: 'assistant', content: 'a' }],
    });
    expect(refused.status).toBe(400);
    expect((refused.body as FailureBody).error.message).toContain('The user begins.');
  });

  it.each([
    [
      '{% for a in range(999) %}{% for b in range(999) %}{{ a }}{% endfor %}{% endfor %}',
      /too (many steps|long)/,
    ],
    ['{% for', /no template/],
    [
      "{% set s = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(60) %}{% set s.x = s.x ~ s.x %}{% endfor %}",
      /more than/,
    ],
  ])('by the template %j is refused, and other routes go on', async (chat_template, said) => {
    const files = { 'tokenizer_config.json': JSON.stringify({ ...CONFIG, chat_template }) };
    const { post } = await served('ar', { overrides: { tokenizer: tokenizerWith(files) } });
    const { status, body } = await post('/v1/chat/completions', { messages, max_tokens: 2 });
    expect(status).toBe(400);
    expect((body as FailureBody).error.message).toMatch(said);
    expect((await post('/tokenize', { prompt: 'a' })).status).toBe(200);
  });
});
