import fc from 'fast-check'

// The everyday suite tries the same values each time, so that a change is judged by what it changed;
// `PROPERTY_SEED=random npm test` tries others, and a failure names the seed to give here.
const { PROPERTY_SEED = '20261122' } = process.env
if (PROPERTY_SEED !== 'random') fc.configureGlobal({ seed: Number(PROPERTY_SEED) })
