"""Attribution: which pixels, frames and channels a number of the mel comes from."""
