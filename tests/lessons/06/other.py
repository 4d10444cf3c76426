"""The exercises of lesson 06 once more, written in another way: as weights that add up to one, by hand, in a loop."""

import math

import torch


def my_cfg(eps_null, eps_cond, scale):
    weights = torch.tensor([1 - scale, scale], dtype=eps_null.dtype)
    return torch.einsum("k,kbchw->bchw", weights, torch.stack([eps_null, eps_cond]))


def my_cfg_pair(eps, scale):
    B = len(eps) // 2
    pairs = eps.view(2, B, *eps.shape[1:])  # null, cond
    return torch.lerp(pairs[0], pairs[1], scale)


def my_scale_factor(z):
    centred = z.double() - z.double().mean()
    return (centred.pow(2).mean() ** -0.5).to(z.dtype)


def my_encode(mean, std, noise, factor):
    return torch.addcmul(factor * mean, std * factor, noise)


def my_decode(z, factor):
    return torch.mul(z, 1 / factor)


def my_img2img_start(alpha_bar, z0, grid, strength, eps):
    n = grid.numel() - 1
    index = n
    for done in range(1, n + 1):  # one step more for each that the strength pays for
        if done <= math.floor(strength * n):
            index = n - done
    angle = torch.acos(alpha_bar[grid[index]].sqrt())
    return index, torch.cos(angle) * z0 + torch.sin(angle) * eps


def my_inpaint_blend(alpha_bar, z, z0, s, eps, mask):
    rows = []
    for k, A in enumerate(alpha_bar[s].tolist()):
        known = math.sqrt(A) * z0[k] + math.sqrt(1 - A) * eps[k]
        rows.append(torch.where(mask[k % len(mask)] == 1, z[k], known))
    return torch.stack(rows)


def my_v_step(alpha_bar, z, v, t, s):
    here, there = math.acos(math.sqrt(alpha_bar[t])), math.acos(math.sqrt(alpha_bar[s]))
    return math.cos(here - there) * z - math.sin(here - there) * v


def my_script(diffusers, torch, seed):
    pipe = diffusers.DiffusionPipeline.from_pretrained("stable-diffusion-v1-5/stable-diffusion-v1-5", token=None)
    pipe.to("cuda", torch.float16)
    dice = torch.Generator("cuda").manual_seed(seed)
    with torch.inference_mode():
        [picture] = pipe(prompt="a mackerel on a playground", generator=dice, num_inference_steps=30).images
    picture.save("./mackerel.png")
    return picture
