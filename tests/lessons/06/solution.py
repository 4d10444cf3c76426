"""Filled exercises of lesson 06; the tests put them in place of the stubs."""

from course.pipelines import hub


def my_cfg(eps_null, eps_cond, scale):
    return eps_null + scale * (eps_cond - eps_null)


def my_cfg_pair(eps, scale):
    eps_null, eps_cond = eps.chunk(2)
    return eps_null + scale * (eps_cond - eps_null)


def my_scale_factor(z):
    return 1 / z.std()


def my_encode(mean, std, noise, factor):
    return (mean + std * noise) * factor


def my_decode(z, factor):
    return z / factor


def my_img2img_start(alpha_bar, z0, grid, strength, eps):
    n = len(grid) - 1
    index = n - min(int(n * strength), n)
    ab = alpha_bar[grid[index]]
    return index, ab.sqrt() * z0 + (1 - ab).sqrt() * eps


def my_inpaint_blend(alpha_bar, z, z0, s, eps, mask):
    ab = alpha_bar[s].reshape(-1, 1, 1, 1).to(z.dtype)
    known = ab.sqrt() * z0 + (1 - ab).sqrt() * eps
    return mask * z + (1 - mask) * known


def my_v_step(alpha_bar, z, v, t, s):
    a, b = alpha_bar[t], alpha_bar[s]
    x0 = a.sqrt() * z - (1 - a).sqrt() * v
    eps = (1 - a).sqrt() * z + a.sqrt() * v
    return b.sqrt() * x0 + (1 - b).sqrt() * eps


def my_script(diffusers, torch, seed):
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(
        hub.CHECKPOINTS["sd-1.5"].id, torch_dtype=torch.float16, variant="fp16", use_safetensors=True
    ).to("cuda")
    pipe.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(pipe.scheduler.config)
    picture = pipe(
        "a mackerel running on a playground, photo",
        negative_prompt="blurry",
        guidance_scale=7.5,
        num_inference_steps=25,
        generator=torch.Generator().manual_seed(seed),
    ).images[0]
    picture.save("mackerel.png")
    return picture
