import { readFileSync } from 'node:fs';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { RgbImage } from '../../shared/engineProtocol.ts';

const folder = path.resolve(import.meta.dirname, '../fixtures/attributes');

export type AttributeValue = string | boolean | null;

export interface AttributePrompt {
  readonly prompt: string;
  readonly seed: number;
  /** `null`: the prompt leaves it open. */
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** The 200 held-out prompts, none of which the model was trained on. */
export function heldOutPrompts(): readonly AttributePrompt[] {
  return JSON.parse(readFileSync(path.join(folder, 'prompts.json'), 'utf8')) as AttributePrompt[];
}

interface Labels {
  readonly heads: Readonly<Record<string, { readonly output: string; readonly values: readonly AttributeValue[] }>>;
}

/** Reads off a picture what is on it: a small network trained on drawn pictures (assets/starter/recipe/train_classifier.py). */
export class AttributeClassifier {
  readonly #session: InferenceSession;
  readonly #labels: Labels;

  private constructor(session: InferenceSession, labels: Labels) {
    this.#session = session;
    this.#labels = labels;
  }

  static async open(): Promise<AttributeClassifier> {
    const labels = JSON.parse(readFileSync(path.join(folder, 'labels.json'), 'utf8')) as Labels;
    return new AttributeClassifier(await InferenceSession.create(path.join(folder, 'classifier.onnx')), labels);
  }

  async read(image: RgbImage): Promise<Record<string, AttributeValue>> {
    const { width, height, rgb } = image;
    const planes = new Float32Array(3 * width * height);
    for (let pixel = 0; pixel < width * height; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        planes[channel * width * height + pixel] = (rgb[3 * pixel + channel] ?? 0) / 127.5 - 1;
      }
    }
    const outputs = await this.#session.run({ sample: new Tensor('float32', planes, [1, 3, height, width]) });
    const found: Record<string, AttributeValue> = {};
    for (const [head, { output, values }] of Object.entries(this.#labels.heads)) {
      const logits = [...((outputs[output]?.data ?? []) as Float32Array)];
      found[head] = values[logits.indexOf(Math.max(...logits))] ?? null;
    }
    return found;
  }
}
