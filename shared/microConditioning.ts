import { z } from 'zod';

const sizeSchema = z.object({ width: z.int().min(1).max(8192), height: z.int().min(1).max(8192) });
const cornerSchema = z.object({ top: z.int().min(-8192).max(8192), left: z.int().min(-8192).max(8192) });

/** SDXL's size conditioning. A size that is null follows the picture; a negative one that is null follows the positive one (the refiner's negative corner is 0, 0). */
export const microConditioningSchema = z.object({
  originalSize: sizeSchema.nullable().default(null),
  cropTopLeft: cornerSchema.default({ top: 0, left: 0 }),
  targetSize: sizeSchema.nullable().default(null),
  negativeOriginalSize: sizeSchema.nullable().default(null),
  negativeCropTopLeft: cornerSchema.nullable().default(null),
  negativeTargetSize: sizeSchema.nullable().default(null),
  /** Only models whose model_index.json asks for it. */
  aestheticScore: z.number().min(0).max(10).default(6),
  negativeAestheticScore: z.number().min(0).max(10).default(2.5),
});
export type MicroConditioning = z.infer<typeof microConditioningSchema>;
