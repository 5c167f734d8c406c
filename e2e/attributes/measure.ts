import { parseArgs } from 'node:util';
import type { GuidanceEnd } from '../../shared/generation.ts';
import { BenchEngine, starter } from '../bench/engineRuns.ts';
import { AttributeClassifier, heldOutPrompts, type AttributePrompt, type AttributeValue } from './classifier.ts';

/**
 * What the built-in model draws of what was asked, through the engine that ships.
 * `node e2e/attributes/measure.ts [--count N] [--guidance G] [--scheduler ID]`
 */

export interface AttributeScore {
  readonly right: number;
  readonly asked: number;
  /** Share of the commonest value among the prompts: what always guessing it would score. */
  readonly base: number;
}

export interface Measured {
  readonly scores: Record<string, AttributeScore>;
  /** Pictures in which the classifier sees an object twice that was asked for once. */
  readonly doubled: number;
}

const heads = ['sky', 'celestial', 'ground', 'background', 'lake', 'house', 'tree', 'position', 'stars'] as const;

const countable = ['celestial', 'house', 'tree'] as const;

export async function measureAttributes(
  engine: BenchEngine,
  prompts: readonly AttributePrompt[],
  run: { readonly guidanceScale: number; readonly guidanceEnd: GuidanceEnd },
): Promise<Measured> {
  const classifier = await AttributeClassifier.open();
  const right = new Map<string, number>();
  let doubled = 0;
  for (const { prompt, seed, attributes } of prompts) {
    const { image } = await engine.run(
      {
        task: 'text-to-image', modelId: 'starter', prompt, negativePrompt: null, width: starter.width, height: starter.height,
        steps: 20, scheduler: 'ddim', seed: String(seed), ...run,
      },
      'off',
    );
    const found = await classifier.read(image);
    for (const head of heads) {
      if (attributes[head] !== null && found[head] === attributes[head]) right.set(head, (right.get(head) ?? 0) + 1);
    }
    // The classifier learned these heads on pictures that have the object: elsewhere they mean nothing.
    if (countable.some((kind) => attributes[kind] !== 'none' && found[`twice_${kind}`] === true)) doubled++;
  }
  const scores = Object.fromEntries(
    heads.map((head) => {
      const asked = prompts.map(({ attributes }) => attributes[head]).filter((value) => value !== null && value !== undefined);
      return [head, { right: right.get(head) ?? 0, asked: asked.length, base: commonestShare(asked) }];
    }),
  );
  return { scores, doubled };
}

function commonestShare(values: readonly AttributeValue[]): number {
  const counts = new Map<AttributeValue, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Math.max(0, ...counts.values()) / Math.max(1, values.length);
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { count: { type: 'string', default: '200' } } });
  const prompts = heldOutPrompts().slice(0, Number(values.count));
  const engine = new BenchEngine();
  const kinds: Record<string, Parameters<typeof measureAttributes>[2]> = {
    'no CFG': { guidanceScale: 1, guidanceEnd: { kind: 'never' } },
    default: { guidanceScale: starter.guidance, guidanceEnd: { kind: 'never' } },
    'off at 40 %': { guidanceScale: starter.guidance, guidanceEnd: { kind: 'ratio', ratio: 0.4 } },
  };
  const results = new Map<string, Measured>();
  for (const [name, run] of Object.entries(kinds)) results.set(name, await measureAttributes(engine, prompts, run));
  engine.close();
  const columns = [...results.values()];
  console.log(['attribute'.padEnd(12), 'base'.padStart(7), ...[...results.keys()].map((name) => name.padStart(13))].join(''));
  for (const head of heads) {
    const share = (measured: Measured): string => {
      const score = measured.scores[head];
      return score === undefined ? '' : (score.right / score.asked).toFixed(3).padStart(13);
    };
    console.log([head.padEnd(12), (columns[0]?.scores[head]?.base ?? 0).toFixed(2).padStart(7), ...columns.map(share)].join(''));
  }
  console.log(['doubled'.padEnd(19), ...columns.map(({ doubled }) => (doubled / prompts.length).toFixed(3).padStart(13))].join(''));
}
