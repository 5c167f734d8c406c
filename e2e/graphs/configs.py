"""Configs of the reference's models: tiny ones of every architecture, and those of the real sizes."""

CROSS, PLAIN = "CrossAttnDownBlock2D", "DownBlock2D"


def unet_config(attention, **options):
    """attention: one flag a level, outermost first."""
    down = [CROSS if here else PLAIN for here in attention]
    return {
        "sample_size": 8, "in_channels": 4, "out_channels": 4, "layers_per_block": 2, "norm_num_groups": 4,
        "down_block_types": down, "up_block_types": [name.replace("Down", "Up") for name in reversed(down)], **options,
    }


TEXT_TIME = {"addition_embed_type": "text_time", "addition_time_embed_dim": 8, "use_linear_projection": True}

# The shapes of the families, small: the same flags, levels and quirks as the configs of the published models.
TINY_UNETS = {
    "unet-sd1": (unet_config([1, 1, 1, 0], block_out_channels=[8, 16, 16, 16], attention_head_dim=2, cross_attention_dim=12), "F32"),
    "unet-sd2": (unet_config([1, 1, 1, 0], block_out_channels=[8, 16, 16, 24], attention_head_dim=[1, 2, 4, 4], layers_per_block=1,
                             cross_attention_dim=12, use_linear_projection=True), "F16"),
    "unet-inpaint": (unet_config([1, 0], block_out_channels=[8, 16], attention_head_dim=2, layers_per_block=1, cross_attention_dim=12,
                                 in_channels=9), "F16"),
    "unet-lcm": (unet_config([1, 0], block_out_channels=[8, 16], attention_head_dim=2, layers_per_block=1, cross_attention_dim=12,
                             time_cond_proj_dim=16), "BF16"),
    "unet-sdxl": (unet_config([0, 1, 1], block_out_channels=[8, 16, 24], attention_head_dim=[1, 2, 4], cross_attention_dim=20,
                              transformer_layers_per_block=[1, 2, 3], projection_class_embeddings_input_dim=6 * 8 + 10, **TEXT_TIME), "F16"),
    "unet-refiner": (unet_config([0, 1, 1, 0], block_out_channels=[8, 16, 24, 24], attention_head_dim=[1, 2, 4, 4], layers_per_block=1,
                                 cross_attention_dim=10, transformer_layers_per_block=2,
                                 projection_class_embeddings_input_dim=5 * 8 + 10, **TEXT_TIME), "F16"),
}


def text_config(**options):
    return {"vocab_size": 60, "max_position_embeddings": 77, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3,
            "num_attention_heads": 2, "bos_token_id": 58, "pad_token_id": 59, **options}


# (config, with projection, stored as)
TINY_TEXTS = {
    "clip-l": (text_config(hidden_act="quick_gelu", eos_token_id=2), False, "F32"),
    "clip-h": (text_config(hidden_act="gelu", eos_token_id=59, pad_token_id=0), False, "F16"),
    "clip-g": (text_config(hidden_act="gelu", eos_token_id=59, pad_token_id=0, projection_dim=10), True, "F16"),
}


def vae_config(channels, **options):
    return {"block_out_channels": channels, "down_block_types": ["DownEncoderBlock2D"] * len(channels),
            "up_block_types": ["UpDecoderBlock2D"] * len(channels), "layers_per_block": 2, "latent_channels": 4, "norm_num_groups": 4,
            **options}


TINY_VAES = {
    "vae": (vae_config([8, 8, 16, 16]), "F16"),
    "vae-bare": (vae_config([8, 12], layers_per_block=1, latent_channels=6, use_quant_conv=False, use_post_quant_conv=False), "BF16"),
}

TINY_TAESD = {"taesd": ({"latent_channels": 4, "encoder_block_out_channels": [8] * 4, "decoder_block_out_channels": [8] * 4}, "F16")}

# stable-diffusion-v1-5, sd-vae-ft-mse, clip-vit-large-patch14, stable-diffusion-xl-base-1.0: unet/config.json and so on.
FULL_UNETS = {
    # A sixth of Stable Diffusion 1.5, for trying things out.
    "mid": {"sample_size": 32, "block_out_channels": [128, 256, 512, 512], "cross_attention_dim": 768, "attention_head_dim": 8},
    "sd15": {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
    "sdxl": {"sample_size": 128, "down_block_types": [PLAIN, CROSS, CROSS], "up_block_types": ["CrossAttnUpBlock2D"] * 2 + ["UpBlock2D"],
             "block_out_channels": [320, 640, 1280], "attention_head_dim": [5, 10, 20], "cross_attention_dim": 2048,
             "transformer_layers_per_block": [1, 2, 10], "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
             "use_linear_projection": True, "projection_class_embeddings_input_dim": 2816},
}
FULL_TEXT = {"vocab_size": 49408, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
             "max_position_embeddings": 77, "hidden_act": "quick_gelu", "eos_token_id": 2}
FULL_VAE = vae_config([128, 256, 512, 512], norm_num_groups=32, sample_size=512)

# Three levels: the base; four: the refiner.
TIME_IDS = {3: 6, 4: 5}
