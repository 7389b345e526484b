/** How often a property test that takes long is run: so often, or a multiple of that in `npm run test:model`. */
export const propertyRuns = (everyday: number): number => everyday * Number(process.env.PROPERTY_RUNS ?? 1)
