/** The layouts that are known. The first that recognises a model reads it. */
import { bertLayout } from './bert.js';
import { gptNeoxLayout } from './gpt-neox.js';
import { gpt2Layout } from './gpt2.js';
import { llamaLayout } from './llama.js';
import { modernBertLayout } from './modernbert.js';
import type { PublishedLayout } from './published-layout.js';
import { referenceLayout } from './reference.js';

export const PUBLISHED_LAYOUTS: readonly PublishedLayout[] = [
  gpt2Layout,
  llamaLayout,
  gptNeoxLayout,
  bertLayout,
  modernBertLayout,
  referenceLayout,
];
