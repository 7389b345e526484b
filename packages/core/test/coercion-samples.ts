import type { LogicalType } from '@ducksink/worker'
import type { TypeSamples } from './coercion-samples/kinds.ts'
import { NESTED_SAMPLES } from './coercion-samples/nested.ts'
import { NUMBER_SAMPLES } from './coercion-samples/numbers.ts'
import { TEMPORAL_SAMPLES } from './coercion-samples/temporal.ts'
import { TEXT_SAMPLES } from './coercion-samples/texts.ts'

/** Samples of every cell of the matrix that a type takes: what is read back, and what the cell's rule refuses. */
export const SAMPLES: Readonly<Record<Exclude<LogicalType['id'], 'OTHER'>, TypeSamples>> = {
  ...NUMBER_SAMPLES,
  ...TEXT_SAMPLES,
  ...TEMPORAL_SAMPLES,
  ...NESTED_SAMPLES,
}
