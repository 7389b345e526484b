import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { runFixture } from './child.ts'
import { databasePath } from './open-engine.ts'

const RUNS = 5
