"""The exercises of lesson 06, Stable Diffusion, as code; their words stand in the quiz file of the lesson."""

from course.teaching.lessons.l06.edits import IMG2IMG_START, INPAINT_BLEND
from course.teaching.lessons.l06.guidance import CFG, CFG_PAIR, V_STEP
from course.teaching.lessons.l06.latents import DECODE, ENCODE, SCALE_FACTOR
from course.teaching.lessons.l06.script import SCRIPT

EXERCISES = (CFG, CFG_PAIR, V_STEP, SCALE_FACTOR, ENCODE, DECODE, IMG2IMG_START, INPAINT_BLEND, SCRIPT)
