/** The layouts that are known. The first that recognises a model reads it. */

import { gptNeoxLayout } from './gpt-neox.js';
import { gpt2Layout } from './gpt2.js';
import { llamaLayout } from './llama.js';
import type { PublishedLayout } from './published-layout.js';
import { referenceLayout } from './reference.js';

export const PUBLISHED_LAYOUTS: readonly PublishedLayout[] = [
  gpt2Layout,
  llamaLayout,
  gptNeoxLayout,
  referenceLayout,
];
